import { stringify } from "yaml";

/** YAML that Python reads the same: PyYAML takes `1e-8` for a text, `1.0e-8` for a number. */
export function yamlText(value: unknown): string {
  return stringify(value).replace(/^(\s*(?:[\w-]+:|-) -?\d+)(e[-+]?\d+)$/gm, "$1.0$2");
}
