import { expect, test } from "vitest";
import { collectRows, pipe, rowsOf } from "../pipe.ts";
import { filterLanguage } from "./filter-language.ts";
import { detectLanguage } from "./language.ts";
import type { CleanReport, Drop } from "./report.ts";

const sentences: Record<string, string> = {
  en: "Could you tell me how the tides are linked to the moon, and why there are two of them every day?",
  de: "Kannst du mir sagen, warum der Mond die Gezeiten auslöst und weshalb es sie zweimal am Tag gibt?",
  fr: "Pouvez-vous me dire comment les marées sont liées à la lune, et pourquoi il y en a deux par jour ?",
  es: "¿Puedes decirme cómo se relacionan las mareas con la luna y por qué hay dos de ellas cada día?",
  pt: "Você pode me dizer como as marés estão ligadas à lua e por que há duas delas todos os dias?",
  it: "Mi puoi dire come le maree sono legate alla luna e perché ce ne sono due ogni giorno?",
  nl: "Kun je me vertellen hoe de getijden samenhangen met de maan, en waarom er twee per dag zijn?",
  sv: "Kan du berätta för mig hur tidvattnet hänger ihop med månen och varför det är två om dagen?",
  pl: "Czy możesz mi powiedzieć, jak pływy są związane z księżycem i dlaczego są dwa razy na dobę?",
  tr: "Gelgitlerin ay ile nasıl bir ilgisi olduğunu ve neden her gün iki kez olduğunu bana anlatır mısın?",
  id: "Bisakah kamu menjelaskan apa hubungan pasang surut dengan bulan dan mengapa terjadi dua kali dalam sehari?",
  vi: "Bạn có thể cho tôi biết thủy triều có liên quan như thế nào với mặt trăng và vì sao có hai lần mỗi ngày không?",
  ru: "Можешь ли ты рассказать мне, как приливы связаны с луной и почему они бывают два раза в день?",
  uk: "Чи можеш ти розповісти мені, як припливи пов'язані з місяцем і чому вони бувають двічі на день?",
  el: "Μπορείς να μου πεις πώς συνδέονται οι παλίρροιες με τη σελήνη και γιατί υπάρχουν δύο κάθε μέρα;",
  he: "האם תוכל לספר לי איך הגאות והשפל קשורים לירח ומדוע הם מתרחשים פעמיים בכל יום?",
  ar: "هل يمكنك أن تخبرني كيف يرتبط المد والجزر بالقمر ولماذا يحدث مرتين في اليوم؟",
  fa: "می‌توانی به من بگویی جزر و مد چگونه به ماه مربوط است و چرا هر روز دو بار رخ می‌دهد؟",
  hi: "क्या आप मुझे बता सकते हैं कि ज्वार चंद्रमा से कैसे जुड़े हैं और वे दिन में दो बार क्यों आते हैं?",
  th: "ช่วยบอกฉันหน่อยได้ไหมว่าน้ำขึ้นน้ำลงเกี่ยวข้องกับดวงจันทร์อย่างไร",
  ko: "조수가 달과 어떻게 관련되어 있는지, 왜 하루에 두 번 일어나는지 알려 주시겠어요?",
  ja: "潮の満ち引きが月とどのように関係しているのか、なぜ一日に二回あるのか教えてください。",
  zh: "你能告诉我潮汐与月亮有什么关系，为什么每天有两次吗？",
};

test.each(Object.entries(sentences))("a sentence of %s is told", (language, sentence) => {
  expect(detectLanguage(sentence)).toBe(language);
});

test("what says nothing about a language is undecided, and code and addresses do not count", () => {
  for (const text of ["", "42", "Okay!", "Ada Lovelace, Alan Turing, Grace Hopper, Kurt Gödel", "x = 3; y = 4; print(x + y)"])
    expect(detectLanguage(text)).toBeUndefined();
  const code = "```python\nfor i in range(10):\n  if i and not is_in(the, of): print(that)\n```";
  expect(detectLanguage(`${sentences["de"]}\n${code}\n${code} https://the.of/and/to/in/is`)).toBe("de");
});

const dialogue = (id: string, question: string, answer: string) => ({
  prompt_id: id,
  messages: [
    { role: "user", content: question },
    { role: "assistant", content: answer },
  ],
});

test("rows of other languages go, with the language as reason; translations inside and undecided rows stay", async () => {
  const rows = [
    dialogue("english", sentences["en"]!, "Because the moon pulls on the water, and on the earth as well."),
    dialogue("french", sentences["fr"]!, sentences["fr"]!),
    dialogue(
      "translation",
      "Translate this into French for me, please, and explain the words that you would use for it: I am at the sea.",
      "Je suis à la mer.",
    ),
    dialogue("undecided", "2 + 2?", "4"),
    dialogue("chinese", sentences["zh"]!, sentences["zh"]!),
  ];
  const drops: Drop[] = [];
  let report: CleanReport | undefined;
  const watch = { onDrop: (drop: Drop) => drops.push(drop), onReport: (latest: CleanReport) => (report = latest) };
  const kept = await collectRows(pipe(rowsOf(rows), filterLanguage({ languages: ["en"], ...watch })));
  expect(kept.map(({ prompt_id }) => prompt_id)).toEqual(["english", "translation", "undecided"]);
  expect(drops).toMatchObject([
    { row: 2, prompt_id: "french", reason: "language fr", detail: "not en" },
    { row: 5, prompt_id: "chinese", reason: "language zh" },
  ]);
  expect(report).toMatchObject({ rows: 5, kept: 3, dropped: { "language fr": 1, "language zh": 1 } });
  expect(await collectRows(pipe(rowsOf(rows), filterLanguage({ languages: ["en", "fr", "zh"] })))).toHaveLength(5);
});

test("a detector of one's own takes the place of ours; unknown or no languages are refused", async () => {
  const detect = (text: string) => (text.includes("tlh") ? "tlh" : "en");
  const rows = [{ text: "tlh one" }, { text: "two" }];
  expect(await collectRows(pipe(rowsOf(rows), filterLanguage({ languages: ["tlh"], detect })))).toEqual([{ text: "tlh one" }]);
  for (const languages of [[], ["english"]])
    expect(() => filterLanguage({ languages })).toThrow(expect.objectContaining({ code: "BAD_OPTION" }));
});
