import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { RunResult } from "@zephyr/aif";
import { pushDataset } from "@zephyr/data";
import { usageError } from "../errors/usage-error.ts";
import { text, toggle } from "../flags/flag.ts";

export const hubFlags = {
  pushToHub: text({
    help: "put rows and card into this dataset repository when the run is done (HF_TOKEN)",
    placeholder: "OWNER/NAME",
  }),
  hubPrivateRepo: toggle({ help: "make the repository private if it is new" }),
};

interface HubChoice {
  pushToHub?: string | undefined;
  hubPrivateRepo: boolean;
}

/** Before hours of asking, not after them. */
export function checkPush({ pushToHub }: HubChoice): void {
  if (pushToHub !== undefined && !process.env["HF_TOKEN"])
    throw usageError("--push-to-hub needs HF_TOKEN; set it to a token of the Hugging Face Hub that may write there");
}

/** Puts what a finished run wrote, and its card as README, where `--push-to-hub` says; gives the repository's address. */
export async function pushRows(
  { exit_code, status, output }: RunResult,
  { pushToHub, hubPrivateRepo }: HubChoice,
): Promise<string | undefined> {
  if (pushToHub === undefined || exit_code !== 0 || status === "dry_run") return undefined;
  const path = `data/train${/(\.[a-z]+){1,2}$/i.exec(basename(output))?.[0] ?? ".jsonl"}`;
  const header = `---\nconfigs:\n- config_name: default\n  data_files: ${path}\n---\n\n`;
  const files = [
    { path, from: output },
    { path: "README.md", text: header + readFileSync(`${output}.card.md`, "utf8") },
  ];
  return (await pushDataset(pushToHub, files, { private: hubPrivateRepo })).url;
}
