import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { reference, runCli, startCli, temporaryFolder } from "../src/testing/run-cli.ts";

const readyAfter = { clean: "clean.jsonl", dSFT: "dsft/log_history.jsonl", dDPO: "ddpo/log_history.jsonl" };

function recipe(folder: string): string[] {
  const dialogues = ["Hello.", "Hello.", "A kite is a toy.", "Air scatters blue light."].map((content, i) => ({
    messages: [
      { role: "user", content: `Question ${i >> 1}?` },
      { role: "assistant", content },
    ],
  }));
  writeFileSync(join(folder, "dialogues.jsonl"), dialogues.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const training = "save_steps: 1, per_device_train_batch_size: 2, seed: 3";
  writeFileSync(
    join(folder, "recipe.yaml"),
    `run: ${join(folder, "run")}
stages:
  - {name: clean, command: prepare, input: ${join(folder, "dialogues.jsonl")}, output: "{run}/clean.jsonl", dedupe: exact}
  - {name: dSFT, command: sft, model: ${reference("mistral")}, data: "{run}/clean.jsonl", output: "{run}/dsft", ${training}, max_steps: 6}
  - {name: dDPO, command: dpo, model: "{run}/dsft", data: ${reference("trl_dpo_run/preferences.jsonl")}, output: "{run}/ddpo", ${training}, max_steps: 6}
`,
  );
  return ["align", "--config", join(folder, "recipe.yaml")];
}

const weights = (folder: string, stage: string): Buffer => readFileSync(join(folder, "run", stage, "model.safetensors"));

it("a recipe killed with SIGKILL in each stage ends in the bytes of one that was not", { timeout: 300_000 }, async ({ skip }) => {
  const doctor = await runCli(["doctor", "--json"]);
  if (doctor.code !== 0) skip(JSON.parse(doctor.stdout).error);
  const [whole, killed] = [temporaryFolder(), temporaryFolder()];
  expect((await runCli(recipe(whole))).code).toBe(0);
  const args = recipe(killed);
  let kills = 0;
  for (const path of Object.values(readyAfter)) {
    const running = startCli(args);
    let over = false;
    running.result.then(() => {
      over = true;
    });
    while (!over && !existsSync(join(killed, "run", path))) await sleep(5);
    running.kill("SIGKILL");
    if ((await running.result).signal === "SIGKILL") kills++;
  }
  expect(kills).toBe(3);
  const ran = await runCli([...args, "--json"]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(JSON.parse(ran.stdout).stages).toMatchObject(Object.keys(readyAfter).map((name) => ({ name, status: "done" })));
  for (const stage of ["dsft", "ddpo"]) expect(weights(killed, stage).equals(weights(whole, stage)), stage).toBe(true);
});
