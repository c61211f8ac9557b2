interface MixturePart {
  id?: unknown;
  split?: unknown;
  config?: unknown;
  weight?: unknown;
}

/**
 * One data set with its training split, and one that evaluations read, of any of the handbook's three spellings. A second one, or a share
 * of one, has to be mixed by `zephyr prepare` first; held-out splits, which the handbook's present files mix into training, are evaluated on.
 */
export function handbookData(recipe: Record<string, unknown>, notes: string[]): Record<string, unknown> {
  const parts = partsOf(recipe);
  const isHeldOut = ({ split }: MixturePart): boolean => /^test/.test(String(split));
  const [first, ...rest] = parts.filter((part) => !isHeldOut(part));
  const allHeld = parts.filter(isHeldOut);
  const held = allHeld.find(({ id }) => id === first?.id) ?? allHeld[0];
  const otherHeld = allHeld.filter((part) => part !== held);
  for (const part of [first, held]) {
    if (part?.config !== undefined && part.config !== "default" && part.config !== null)
      notes.push(`config ${part.config} of ${part.id} is left out: a data set is read as a whole; give its files`);
  }
  for (const part of [...rest, ...otherHeld])
    notes.push(`data set ${nameOf(part)} is left out: mix data sets with \`zephyr prepare --mix\` and give the file as data`);
  if (typeof first?.weight === "number" && first.weight !== 1)
    notes.push(`weight ${first.weight} of ${first.id} is left out: take a share with \`zephyr prepare --mix\``);
  return {
    ...(first?.id !== undefined && { data: first.id }),
    ...(first?.split !== undefined && { dataset_train_split: first.split }),
    ...evaluations(recipe, held, notes),
  };
}

function evaluations(recipe: Record<string, unknown>, held: MixturePart | undefined, notes: string[]): Record<string, unknown> {
  const strategy = recipe["eval_strategy"] ?? recipe["evaluation_strategy"] ?? (recipe["do_eval"] === true ? "steps" : "no");
  const steps = recipe["eval_steps"];
  if (strategy === "no" || strategy === false) {
    if (held)
      notes.push(`data set ${nameOf(held)} is left out: a held-out split must not be trained on, and there are no evaluations`);
    if (steps !== undefined) notes.push(`eval_steps: ${steps} is left out: there are no evaluations`);
    return {};
  }
  if (!held) {
    notes.push("evaluations are left out: the recipe names no held-out split; give rows as eval_data");
    return {};
  }
  notes.push(`data set ${nameOf(held)} is not trained on, being held out: evaluations read it`);
  if (strategy === "epoch")
    notes.push("eval_strategy: epoch is left out: without eval_steps there is one evaluation, at the end");
  const every = strategy === "steps" && typeof steps === "number" ? { eval_steps: steps } : {};
  return { eval_data: held.id, dataset_test_split: held.split, ...every };
}

const nameOf = ({ id, split }: MixturePart): string => `${id}${split === undefined ? "" : `, split ${split}`}`;

function partsOf(recipe: Record<string, unknown>): MixturePart[] {
  const { dataset_mixture: mixture, dataset_mixer: mixer, dataset_name: name } = recipe;
  if (mixture !== undefined) return (mixture as { datasets?: MixturePart[] } | null)?.datasets ?? [];
  if (mixer !== undefined) {
    const splits = (recipe["dataset_splits"] ?? ["train", "test"]) as string[];
    const sets = Object.entries((mixer ?? {}) as Record<string, unknown>);
    return sets.flatMap(([id, weight]) => splits.map((split) => ({ id, split, ...(!/^test/.test(split) && { weight }) })));
  }
  if (name === undefined) return [];
  const config = recipe["dataset_config"];
  const { dataset_train_split: train, dataset_test_split: test = "test" } = recipe;
  const evaluates = recipe["eval_strategy"] !== undefined && recipe["eval_strategy"] !== "no";
  const held = evaluates || recipe["dataset_test_split"] !== undefined ? [{ id: name, split: test, config }] : [];
  return [{ id: name, config, ...(train !== undefined && { split: train }) }, ...held];
}
