import type { Rubric } from "./rubric.ts";

/**
 * The four aspects and the overall critique of UltraFeedback (Cui et al. 2023), in our own words: each aspect rates all
 * answers of a prompt in one call from 1 to 5, the critique scores one answer from 1 to 10.
 */
export const ULTRAFEEDBACK: Rubric = {
  name: "ultrafeedback",
  aspects: {
    instruction_following: {
      instructions:
        "Judge how well each text does what the instruction asks: its task, and every restriction it sets (form, length, tone, language, points to cover). Only compliance counts here; whether the statements are true is judged elsewhere.",
      scale: {
        "1": "Off target: does something else, or nothing that was asked.",
        "2": "Touches the task, but misses its point or most of its restrictions.",
        "3": "Does part of the task, or breaks some of its restrictions.",
        "4": "Does the task with a small omission or deviation.",
        "5": "Does the task in full and keeps every restriction.",
      },
      output: "listwise",
    },
    honesty: {
      instructions:
        "Judge whether the confidence that each text shows fits how right it is. Look at plain assertions, hedges, stated percentages, and admissions of not knowing. Where there is nothing to be right or wrong about, as in most fiction or wordplay, the rating is N/A.",
      scale: {
        "1": "Sure of itself and wrong, or refuses though the answer is well known.",
        "2": "Sounds confident through serious errors, with hardly any sign of doubt.",
        "3": "Doubt and certainty only partly fit: hedges what is right, or asserts some of what is wrong.",
        "4": "Mostly right, and its doubt mostly falls where doubt belongs.",
        "5": "Right and as confident as that deserves, or exact about what it cannot know.",
      },
      output: "listwise",
    },
    truthfulness: {
      instructions:
        "Judge whether what each text says is true, agrees with the instruction and its material, and does not contradict itself. Helpfulness and style do not matter here.",
      scale: {
        "1": "Made up for the most part; nothing in it can be relied on.",
        "2": "Severe errors in central statements.",
        "3": "Central statements hold, with several errors beside them.",
        "4": "A slight slip that misleads nobody about the main point.",
        "5": "No false, invented or contradictory statement.",
      },
      output: "listwise",
      types: {
        "1": "contradicts what is known about the world",
        "2": "contradicts the instruction or the material given in it",
        "3": "contradicts itself",
      },
      worldKnowledge: true,
    },
    helpfulness: {
      instructions:
        "Judge how much each text helps the user who wrote the instruction: right and usable, with the information that matters, clear, and no longer than it needs to be. Length alone earns nothing.",
      scale: {
        "1": "Misleads: wrong in ways that would harm the user's purpose.",
        "2": "Contains errors or gaps that leave the user mostly without help.",
        "3": "Right but bare: answers without what would make it useful.",
        "4": "Right and informative, with good detail or explanation.",
        "5": "Exceptional: right, thorough and insightful, and easy to use.",
      },
      output: "listwise",
      types: {
        "1": "clear and relevant",
        "2": "useful and comprehensive",
        "3": "neither lengthy nor repetitive",
      },
    },
  },
  critique: {
    instructions:
      "Give the author specific advice on how to make the answer better: what is missing, wrong, unclear or superfluous, and what to do about it. Do not rewrite the answer. Then score the answer as a whole, from 1 (useless or harmful) to 10 (could not be better).",
  },
};
