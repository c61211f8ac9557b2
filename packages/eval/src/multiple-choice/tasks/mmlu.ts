import { choiceAccuracy, choicesItem, type Task, textColumn, textsColumn } from "../task.ts";

const LETTERS = ["A", "B", "C", "D"] as const;

/** MMLU's 57 subjects (Hendrycks et al. 2021), as its data set names them. */
export const MMLU_SUBJECTS: readonly string[] =
  `abstract_algebra anatomy astronomy business_ethics clinical_knowledge college_biology college_chemistry
college_computer_science college_mathematics college_medicine college_physics computer_security conceptual_physics
econometrics electrical_engineering elementary_mathematics formal_logic global_facts high_school_biology
high_school_chemistry high_school_computer_science high_school_european_history high_school_geography
high_school_government_and_politics high_school_macroeconomics high_school_mathematics high_school_microeconomics
high_school_physics high_school_psychology high_school_statistics high_school_us_history high_school_world_history
human_aging human_sexuality international_law jurisprudence logical_fallacies machine_learning management marketing
medical_genetics miscellaneous moral_disputes moral_scenarios nutrition philosophy prehistory professional_accounting
professional_law professional_medicine professional_psychology public_relations security_studies sociology
us_foreign_policy virology world_religions`.split(/\s+/);

/** One subject of MMLU: four choices by letter, the first 5 of its dev split as shots, acc. */
export function mmlu(subject: string): Task {
  if (!MMLU_SUBJECTS.includes(subject)) throw new RangeError(`mmlu: "${subject}" is no subject; see MMLU_SUBJECTS`);
  const name = `mmlu_${subject}`;
  return {
    name,
    numFewshot: 5,
    shots: "first",
    mainMetric: "acc",
    description: `The following are multiple choice questions (with answers) about ${subject.replaceAll("_", " ")}.\n\n`,
    item(row) {
      const choices = textsColumn(name, row, "choices");
      if (choices.length !== 4)
        throw new RangeError(`${name}: a row has ${choices.length} choices, MMLU has 4; is it the right data set?`);
      const lines = choices.map((choice, i) => `${LETTERS[i]}. ${choice}\n`).join("");
      const answer = row["answer"];
      const gold = typeof answer === "string" && /^[A-D]$/.test(answer) ? LETTERS.indexOf(answer as "A") : Number(answer);
      return choicesItem(`${textColumn(name, row, "question").trim()}\n${lines}Answer:`, LETTERS, gold);
    },
    score: choiceAccuracy,
  };
}
