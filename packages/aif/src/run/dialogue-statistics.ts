import type { GeneratedDialogue } from "../dialogues/generate-dialogues.ts";

/** What a file of generated dialogues looks like as a whole. */
export interface DialogueStatistics {
  dialogues: number;
  /** Dialogues by how many answers they hold. */
  rounds: Record<string, number>;
  /** Dialogues by the persona of their user. */
  personas: Record<string, number>;
  /** Dialogues by topic. */
  topics: Record<string, number>;
  /** Of all turns by role. */
  characters: Record<string, { turns: number; characters: number }>;
}

/** Reads dialogues once and counts. */
export async function dialogueStatistics(
  rows: AsyncIterable<Pick<GeneratedDialogue, "messages" | "persona" | "topic">>,
): Promise<DialogueStatistics> {
  const [rounds, personas, topics, roles] = [new Map(), new Map(), new Map(), new Map()] as [
    Map<string, number>,
    Map<string, number>,
    Map<string, number>,
    Map<string, { turns: number; characters: number }>,
  ];
  let dialogues = 0;
  const count = (into: Map<string, number>, key: string): unknown => into.set(key, (into.get(key) ?? 0) + 1);
  for await (const { messages, persona, topic } of rows) {
    dialogues++;
    count(rounds, String(messages.filter(({ role }) => role === "assistant").length));
    count(personas, persona);
    count(topics, topic);
    for (const { role, content } of messages) {
      const { turns, characters } = roles.get(role) ?? { turns: 0, characters: 0 };
      roles.set(role, { turns: turns + 1, characters: characters + content.length });
    }
  }
  return {
    dialogues,
    rounds: Object.fromEntries(rounds),
    personas: Object.fromEntries(personas),
    topics: Object.fromEntries(topics),
    characters: Object.fromEntries(roles),
  };
}
