import { describe, expect, test } from "vitest";
import { ASPECTS, rateAnswer } from "./rate-answer.ts";

/** The four ratings in the order of ASPECTS, as digits. */
function ratings(prompt: Parameters<typeof rateAnswer>[0], answer: string): string {
  const { aspects } = rateAnswer(prompt, answer);
  return ASPECTS.map((aspect) => aspects[aspect].rating).join("");
}

function mean(prompt: string, answer: string): number {
  return [...ratings(prompt, answer)].reduce((sum, digit) => sum + Number(digit), 0) / 4;
}

const FROG = "What colour is a frog?";

describe("one question, every way to answer it", () => {
  test.each([
    ["A frog is green. It says croak.", "5555"],
    ["A frog is green.", "5554"],
    ["It is green.", "5554"],
    ["Green.", "5553"],
    ["GREEN!", "5553"],
    ["That is a good question. A frog is green.", "4553"],
    ["A frog is green. A frog is green.", "4553"],
    ["A frog is green. It is green.", "4553"],
    ["A frog is green", "4553"],
    ["Maybe a frog is green.", "5354"],
    ["That is a silly question. Green.", "4551"],
    ["A frog is green. It is big.", "5434"],
    ["A frog is green. A bus is red.", "4553"],
    ["A frog is green. Blah the of.", "4543"],
    ["A frog is red.", "2121"],
    ["Perhaps a frog is red.", "2321"],
    ["A frog is red. A frog is green.", "2121"],
    ["A frog is not green.", "2121"],
    ["A frog is not red.", "1211"],
    ["A frog is not red. It is green.", "5555"],
    ["I do not know.", "2231"],
    ["A cow is white.", "1211"],
    ["A frog is small.", "1211"],
    ["the the the the", "1211"],
    ["", "1211"],
  ])("%j gets %s", (answer, expected) => expect(ratings(FROG, answer)).toBe(expected));

  test("later words cannot buy back a wrong answer, and nothing is gained by length", () => {
    const right = "A frog is green. It says croak.";
    const padding = " It is small. It is an animal. It is in the pond.";
    expect(mean(FROG, right + padding)).toBeLessThan(mean(FROG, right));
    expect(mean(FROG, `${right} I hope this helps you.`)).toBeLessThan(mean(FROG, right));
    expect(mean(FROG, `A frog is red.${padding}`)).toBeLessThan(2);
    expect(mean(FROG, `${"A frog is green. ".repeat(20)}`)).toBeLessThan(mean(FROG, "Green."));
  });

  test("an admission beside a right answer is no admission", () => {
    expect(rateAnswer(FROG, "I do not know. A frog is green.").findings.answered).toBe("right");
  });
});

describe("every kind tells right from wrong", () => {
  test.each([
    ["Is a frog green?", "Yes, a frog is green. It is small.", "No, a frog is red."],
    ["Is a frog red?", "No, a frog is green.", "Yes, a frog is red."],
    ["Is a frog red?", "No.", "Yes."],
    ["Is it true that a cow says moo?", "Yes, a cow says moo.", "No, a cow says woof."],
    ["Is a cow an animal?", "Yes, a cow is an animal.", "No."],
    ["Can I find a cow in the pond?", "No, a cow is in the barn.", "Yes, a cow is in the pond."],
    ["Is an owl big or small?", "An owl is small.", "An owl is big."],
    ["What is an owl?", "An animal.", "A fruit."],
    ["Where is a duck?", "In the pond.", "In the house."],
    ["What is a blick?", "I do not know what a blick is.", "A blick is a fruit."],
    ["What is a blick?", "I do not know.", "A fruit."],
    ["What colour is a qqq?", "I do not know what a qqq is. Please tell me more about it.", "Red."],
    ["Name the opposite of hot.", "The opposite of hot is cold. The opposite of cold is hot.", "The opposite of hot is wet."],
    ["Add 2 and 3.", "2 plus 3 is 5. 5 is an odd number.", "2 plus 3 is 6."],
    ["How much is 2 plus 3?", "3 plus 2 is 5.", "2 plus 2 is 4."],
    ["Copy these words: cat, dog.", "The words are cat, dog. There are 2 words.", "The words are dog, cat."],
    ["Reverse these words: cat, dog, pig.", "Pig, dog, cat.", "Cat, pig, dog."],
    ["Which word is first: cat, dog?", "The first word is cat. The last word is dog.", "The first word is dog."],
    ["Tell me the last word: cat, dog.", "Dog.", "Cat."],
    ["Count these words: cat, dog, pig.", "There are 3 words. The words are cat, dog, pig.", "4."],
    ["Which one is not an animal: cat, cup, dog?", "A cup is not an animal. It is a tool.", "A cat is not an animal."],
    ["Use the word cup in a sentence.", "I can see a small cup in the house. It is white.", "The axe is in the barn."],
    ["Say this politely: give me a cup.", "Could you please give me a cup? Thank you.", "Give me a cup."],
    ["Say this politely: give me a cup.", "Give me a cup, please.", "Could you please give me an axe?"],
  ])("%s", (prompt, right, wrong) => {
    expect(rateAnswer(prompt, right).findings.answered).toBe("right");
    expect(rateAnswer(prompt, wrong).findings.answered).not.toBe("right");
    expect(mean(prompt, right)).toBeGreaterThanOrEqual(4.5);
    expect(mean(prompt, wrong)).toBeLessThanOrEqual(2);
  });

  test("half a list is half an answer", () => {
    expect(rateAnswer("Copy these words: cat, dog, pig.", "The words are cat, dog.").findings.answered).toBe("partly");
    expect(rateAnswer("Copy these words: cat, dog, pig.", "The words are cow, hen, pig.").findings.answered).toBe("wrong");
  });
});

describe("a form that was asked for", () => {
  const form = (prompt: string, answer: string) => rateAnswer(prompt, answer).findings.formatKept;
  test.each([
    ["What colour is a frog? Answer in one word.", "Green.", "A frog is green."],
    ["What colour is a frog? Use capital letters.", "A FROG IS GREEN.", "A frog is GREEN."],
    ["What colour is a frog? Answer in a full sentence.", "A frog is green.", "Green."],
    ["Copy these words: cat, dog. Answer as a list.", "- cat\n- dog", "The words are cat, dog."],
  ])("%s", (prompt, kept, broken) => {
    expect(form(prompt, kept)).toBe(true);
    expect(form(prompt, broken)).toBe(false);
    expect(mean(prompt, kept)).toBeGreaterThan(mean(prompt, broken) + 0.5);
  });

  test("the one word must also be right", () => {
    expect(ratings("What colour is a frog? Answer in one word.", "Green.")).toBe("5555");
    expect(ratings("What colour is a frog? Answer in one word.", "Red.")).toBe("2121");
  });
});

test("a question that leans on the one before is read in its light", () => {
  const turns = (last: string) => [
    { role: "user", content: FROG },
    { role: "assistant", content: "Green." },
    { role: "user", content: last },
  ];
  expect(ratings(turns("And a bus?"), "A bus is red.")).toBe("5554");
  expect(ratings(turns("And a bus?"), "A bus is big.")).toBe("1211");
  expect(ratings(turns("What does it say?"), "It says croak. It is green.")).toBe("5555");
  expect(ratings(turns("Where is it?"), "A frog is in the barn.")).toBe("2121");
});

test("the overall score runs from 1 to 10 in halves", () => {
  expect(rateAnswer(FROG, "A frog is green. It says croak.").overallScore).toBe(10);
  expect(rateAnswer(FROG, "Green.").overallScore).toBe(9);
  expect(rateAnswer(FROG, "A frog is red.").overallScore).toBe(2);
});

test("a prompt from outside the world is refused, not guessed at", () => {
  expect(() => rateAnswer("Write a poem.", "Roses.")).toThrow(/rateAnswer: the prompt "Write a poem." is not of the tiny world/);
  expect(() => rateAnswer("What is the opposite of frog?", "Dog.")).toThrow(RangeError);
  expect(() => rateAnswer([], "x")).toThrow(RangeError);
});
