export { benchmarkPrompts } from "./benchmark-prompts.ts";
export { type Benchmark, decontaminate } from "./decontaminate.ts";
export { type DedupeMethod, dedupe } from "./dedupe.ts";
export { dropPhrases } from "./drop-phrases.ts";
export { filterLanguage } from "./filter-language.ts";
export { countWords, filterLength } from "./filter-length.ts";
export { detectLanguage } from "./language.ts";
export { type MixReport, type MixSource, mix } from "./mix.ts";
export {
  type Change,
  type CleaningStep,
  type CleanReport,
  cleaningExamples,
  cleaningTable,
  type Drop,
  type Watch,
} from "./report.ts";
export { type SplitReport, split } from "./split.ts";
export { truecase, truecaseText } from "./truecase.ts";
