import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { initialLora } from "../../init/initial-lora.ts";
import { parseModelConfig } from "../model-config/parse-model-config.ts";
import { openSafetensors } from "../safetensors/read.ts";
import { loraScaling, parseAdapterConfig } from "./adapter-config.ts";
import {
  ADAPTER_CONFIG_FILE,
  ADAPTER_WEIGHTS_FILE,
  adapterPlans,
  checkAdapter,
  readAdapter,
  saveAdapter,
} from "./adapter-folder.ts";
import { linearModules, matchTargetModules } from "./target-modules.ts";

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const INITIAL = fixture("initial_adapter");
const model = parseModelConfig(JSON.parse(readFileSync(fixture("mistral.config.json"), "utf8")));
const json = () => JSON.parse(readFileSync(join(INITIAL, ADAPTER_CONFIG_FILE), "utf8"));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adapter-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("an adapter of PEFT's", () => {
  it("is read, and saved again with the same weights byte for byte and the same settings", async () => {
    const adapter = await readAdapter(INITIAL, model);
    expect(adapter.matrices.size).toBe(14);
    expect(adapter.config).toMatchObject({ r: 8, loraAlpha: 16, loraDropout: 0, useRslora: false, baseModel: "mistral" });
    expect(loraScaling(adapter.config)).toBe(2);
    const { loraA, loraB } = adapter.matrices.get("model.layers.1.mlp.down_proj")!;
    expect([loraA.length, loraB.length]).toEqual([8 * 96, 48 * 8]);
    expect(new Set(loraB)).toEqual(new Set([0]));
    expect(Math.max(...loraA.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(96));
    await saveAdapter(folder, adapter);
    expect((await readFile(join(folder, ADAPTER_WEIGHTS_FILE))).equals(await readFile(join(INITIAL, ADAPTER_WEIGHTS_FILE)))).toBe(
      true,
    );
    expect(JSON.parse(await readFile(join(folder, ADAPTER_CONFIG_FILE), "utf8"))).toEqual(json());
    expect((await readdir(folder)).sort()).toEqual([ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE]);
  });

  it("made here has PEFT's names, and is read back", async () => {
    const modules = matchTargetModules(model, ["q_proj", "v_proj"]);
    const matrices = new Map(modules.map((module) => [module.module, initialLora(module.module, { ...module, r: 4 }, 0)]));
    const config = {
      r: 4,
      loraAlpha: 8,
      loraDropout: 0.05,
      useRslora: true,
      targetModules: ["v_proj", "q_proj"],
      baseModel: undefined,
      raw: {},
    };
    await saveAdapter(join(folder, "new"), { config, matrices });
    await using file = await openSafetensors(join(folder, "new", ADAPTER_WEIGHTS_FILE));
    expect([...file.tensors.keys()].sort()[0]).toBe("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
    const back = await readAdapter(join(folder, "new"), model);
    expect(back.matrices).toEqual(matrices);
    expect(loraScaling(back.config)).toBe(4);
    expect(back.config).toMatchObject({ r: 4, loraDropout: 0.05, targetModules: ["q_proj", "v_proj"] });
  });
});

describe("matchTargetModules", () => {
  it("all-linear is every linear layer but the head, in the model's order with its sizes", () => {
    const modules = matchTargetModules(model, "all-linear");
    expect(modules.map(({ module }) => module).sort()).toEqual(json().target_modules);
    expect(modules[1]).toEqual({ module: "model.layers.0.self_attn.k_proj", inputs: 48, outputs: 16 });
    expect(modules[6]).toEqual({ module: "model.layers.0.mlp.down_proj", inputs: 96, outputs: 48 });
  });

  it("a target is a whole name or its last parts, never half a word", () => {
    const names = (targets: string[]) => matchTargetModules(model, targets).map(({ module }) => module);
    expect(names(["q_proj"]).length).toBe(2);
    expect(names(["layers.1.mlp.up_proj"])).toEqual(["model.layers.1.mlp.up_proj"]);
    expect(names(["self_attn.o_proj", "o_proj"]).length).toBe(2);
    expect(() => names(["proj"])).toThrow(/"proj" matches nothing/);
    expect(() => names(["_proj"])).toThrow(/matches nothing/);
  });

  it.each([["query_proj"], ["q_proj", "lm_head"], ["embed_tokens"], [""], ["model.layers.2.mlp.up_proj"]])(
    "%j: a target that matches nothing is an error naming those there are",
    (...targets) => {
      expect(() => matchTargetModules(model, targets)).toThrow(
        /known are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj/,
      );
      expect(() => matchTargetModules(model, targets)).toThrow(expect.objectContaining({ code: "ERR_ADAPTER" }));
    },
  );

  it("no targets at all are refused", () => {
    expect(() => matchTargetModules(model, [])).toThrow(/no target module/);
  });
});

describe("parseAdapterConfig", () => {
  it.each([
    ["peft_type", "IA3"],
    ["peft_type", undefined],
    ["r", 0],
    ["r", 2.5],
    ["r", "8"],
    ["lora_alpha", -1],
    ["lora_dropout", 1],
    ["use_rslora", 1],
    ["use_dora", true],
    ["bias", "all"],
    ["modules_to_save", ["lm_head"]],
    ["rank_pattern", { q_proj: 4 }],
    ["alpha_pattern", [1]],
    ["fan_in_fan_out", true],
    ["target_modules", null],
    ["target_modules", []],
    ["target_modules", [1]],
    ["target_modules", ""],
  ])("%s of %j is refused by name", (field, value) => {
    expect(() => parseAdapterConfig({ ...json(), [field]: value })).toThrow(new RegExp(field));
    expect(() => parseAdapterConfig({ ...json(), [field]: value })).toThrow(expect.objectContaining({ code: "ERR_ADAPTER" }));
  });

  it("what PEFT leaves out has PEFT's defaults", () => {
    const config = parseAdapterConfig({ peft_type: "LORA", target_modules: "all-linear" });
    expect(config).toMatchObject({ r: 8, loraAlpha: 8, loraDropout: 0, useRslora: false, baseModel: undefined });
  });
});

describe("checkAdapter", () => {
  const config = () => parseAdapterConfig(json());
  const tensors = () => new Map(adapterPlans(linearModules(model), 8).map(({ name, shape }) => [name, { shape }]));
  const first = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";

  it("finds the modules from the tensors", () => {
    expect(checkAdapter(config(), model, tensors())).toEqual(linearModules(model));
    expect(checkAdapter({ ...config(), targetModules: ".*_proj" }, model, tensors()).length).toBe(14);
  });

  it("an adapter of another model, or with half its tensors, is refused with the name", () => {
    const without = tensors();
    without.delete(first);
    expect(() => checkAdapter(config(), model, without)).toThrow(/q_proj.lora_A.weight" is missing/);
    expect(() => checkAdapter({ ...config(), r: 4 }, model, tensors())).toThrow(/is \[8,48\], needs \[4,48\]/);
    expect(() => checkAdapter(config(), { ...model, numHiddenLayers: 1 }, tensors())).toThrow(/layers.1.*adapts no linear layer/);
    expect(() => checkAdapter(config(), { ...model, numHiddenLayers: 3 }, tensors())).not.toThrow();
    expect(() => checkAdapter(config(), model, new Map())).toThrow(/no tensors/);
    expect(() => checkAdapter({ ...config(), targetModules: ["q_proj"] }, model, tensors())).toThrow(/does not name it/);
    expect(() =>
      checkAdapter({ ...config(), targetModules: [...(json().target_modules as string[]), "lm_head"] }, model, tensors()),
    ).toThrow(/"lm_head" has no tensors/);
  });
});

describe("saveAdapter", () => {
  it("into a folder that exists, other files stay and nothing temporary does", async () => {
    await writeFile(join(folder, "log_history.jsonl"), "{}\n");
    await saveAdapter(folder, await readAdapter(INITIAL, model));
    await saveAdapter(folder, await readAdapter(INITIAL, model));
    expect((await readdir(folder)).sort()).toEqual([ADAPTER_CONFIG_FILE, ADAPTER_WEIGHTS_FILE, "log_history.jsonl"]);
  });
});
