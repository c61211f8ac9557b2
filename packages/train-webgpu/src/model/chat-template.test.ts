import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { deviceOrSkip } from "../testing/device.ts";
import { fixture } from "../testing/reference.ts";
import { loadModel } from "./load-model.ts";
import { mergeAdapter } from "./save-model.ts";

const SHORT = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }};{% endfor %}";
const question = [{ role: "user", content: "Why?" }];

it("an adapter's chat template comes with it, stays with what is saved and merged, and gives way to one that is asked for", async (context) => {
  const device = await deviceOrSkip(context);
  const folder = mkdtempSync(join(tmpdir(), "zephyr-template-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [adapter, saved, merged, base] = ["adapter", "saved", "merged", "base"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ];
  cpSync(fixture("trl_lora_run/initial_adapter"), adapter, { recursive: true });
  const own = readFileSync(join(fixture("mistral"), "chat_template.jinja"), "utf8");
  const rendered = (policy: { tokenizer?: { applyChatTemplate(messages: typeof question): string } | undefined }) =>
    policy.tokenizer!.applyChatTemplate(question);
  {
    using policy = await loadModel(device, fixture("mistral"), { adapter });
    // Without one in the adapter's folder the model's own holds.
    expect(policy.tokenizer!.chatTemplate).toBe(own);
    await policy.save(base);
    expect(readFileSync(join(base, "chat_template.jinja"), "utf8")).toBe(own);
  }
  writeFileSync(join(adapter, "chat_template.jinja"), SHORT);
  using policy = await loadModel(device, fixture("mistral"), { adapter });
  expect(rendered(policy)).toBe("user: Why?;");
  await policy.save(saved);
  {
    using again = await loadModel(device, fixture("mistral"), { adapter: saved });
    expect(rendered(again)).toBe("user: Why?;");
    using whole = await mergeAdapter(policy);
    await whole.save(merged);
    using alone = await loadModel(device, merged);
    expect(rendered(alone)).toBe("user: Why?;");
  }
  using asked = await loadModel(device, fixture("mistral"), { adapter, chatTemplate: "{{ messages[0]['content'] }}" });
  expect(rendered(asked)).toBe("Why?");
});
