import { describe, expect, it } from "vitest";
import { choice, integer, number, numbers, optionalText, settings, text, texts, toggle } from "./flag.ts";
import { editDistance, nearest } from "./nearest.ts";
import { flagValues, readArguments, readConfig } from "./read-arguments.ts";
import { kebab, snake } from "./spelling.ts";
import { yamlText } from "./yaml-text.ts";

const table = {
  name: text({ help: "", default: "none" }),
  learningRate: number({ help: "", min: 0 }),
  maxLength: integer({ help: "", default: 8, min: 0, whenNull: 0 }),
  kind: choice({ help: "", choices: ["one", "two"] }),
  packing: toggle({ help: "" }),
  modules: texts({ help: "" }),
  weights: numbers({ help: "" }),
  phrases: optionalText({ help: "", placeholder: "FILE" }),
  kwargs: settings({ help: "" }),
};
const read = (...argv: string[]) => flagValues(table, readArguments(argv, table).given);

describe("readArguments and flagValues", () => {
  it("read every form that Hugging Face's parser reads", () => {
    expect(read("--learning-rate", "2e-5", "--packing").learningRate).toBe(2e-5);
    expect(read("--learning_rate=2e-5")).toMatchObject({ learningRate: 2e-5, packing: false, name: "none", maxLength: 8 });
    expect(read("--packing", "False").packing).toBe(false);
    expect(read("--no-packing").packing).toBe(false);
    expect(read("--modules", "a", "b,c", "--packing")).toMatchObject({ modules: ["a", "b", "c"], packing: true });
    expect(read("--weights", "-0.5", "1").weights).toEqual([-0.5, 1]);
    expect(read("--phrases").phrases).toBe(true);
    expect(read("--phrases", "f", "--kind", "two")).toMatchObject({ phrases: "f", kind: "two" });
    expect(read("--kwargs", '{"min_lr": 1e-6}').kwargs).toEqual({ min_lr: 1e-6 });
  });

  it("keep what is no flag apart", () => {
    expect(readArguments(["a", "--packing", "b"], table).positionals).toEqual(["a", "b"]);
  });

  it.each([
    [["--max-length", "1.5"], /whole number from 0/],
    [["--max-length", ""], /whole number/],
    [["--max-length", "-1"], /from 0/],
    [["--learning-rate", "NaN"], /a number from 0/],
    [["--learning-rate", "1e999"], /a number from 0/],
    [["--kind", "tow"], /did you mean two/],
    [["--packing=maybe"], /true or false/],
    [["--weights", "1,,2"], /numbers/],
    [["--kwargs", "[1]"], /named numbers/],
    [["--modules"], /has no value/],
    [["-x"], /unknown flag -x/],
    [["--no-name"], /unknown flag/],
    [["--constructor", "1"], /unknown flag/],
  ])("%j is refused", (argv, message) => {
    expect(() => read(...argv)).toThrow(message);
  });

  it("a config's null is the default, or what the flag says null means", () => {
    const config = readConfig({ name: null, max_length: null, learning_rate: "1e-3" }, "c.yaml", table);
    expect(flagValues(table, new Map(), config)).toMatchObject({ name: "none", maxLength: 0, learningRate: 1e-3 });
  });

  it("the command line wins over the config, also with a value that is false", () => {
    const config = readConfig({ packing: true, kind: "one" }, "c.yaml", table);
    const { given } = readArguments(["--no-packing"], table);
    expect(flagValues(table, given, config)).toMatchObject({ packing: false, kind: "one" });
  });

  it("a required flag that nobody gives is named", () => {
    const needed = { output: text({ help: "", required: true, placeholder: "DIR" }) };
    expect(() => flagValues(needed, new Map())).toThrow("--output is missing; write --output DIR");
    expect(flagValues(needed, new Map(), new Map([["output", "x"]]))).toEqual({ output: "x" });
  });
});

describe("names", () => {
  it("are kebab-case on the command line and snake_case in files", () => {
    expect([kebab("adamBeta1"), snake("perDeviceTrainBatchSize")]).toEqual(["adam-beta1", "per_device_train_batch_size"]);
  });

  it("the nearest one is suggested, unless none is near", () => {
    expect(editDistance("kitten", "sitting")).toBe(3);
    expect(editDistance("ab", "ba")).toBe(1);
    expect(editDistance("", "abc")).toBe(3);
    expect(nearest("learning-rat", ["learning-rate", "seed"])).toBe("learning-rate");
    expect(nearest("xyz", ["learning-rate", "seed"])).toBeUndefined();
  });
});

describe("yamlText", () => {
  it("writes exponents that PyYAML takes for numbers, and leaves texts alone", () => {
    const text = yamlText({ learning_rate: 1e-8, half: 5.5e-7, name: "x: 1e-8", list: [2e-9] });
    expect(text).toContain("learning_rate: 1.0e-8\n");
    expect(text).toContain("half: 5.5e-7\n");
    expect(text).toContain("- 2.0e-9\n");
    expect(text).toContain('"x: 1e-8"');
  });
});
