// @ts-check
/** Recipes: their stages, done and to come. */
import { element } from "./chart.js";
import { compact, dollars, duration } from "./scale.js";

/** @typedef {import("../recipe-view.ts").RecipeView} RecipeView */
/** @typedef {import("../recipe-view.ts").StageView} StageView */

/**
 * @param {HTMLElement} list
 * @param {Iterable<RecipeView>} recipes
 * @param {number} now Seconds since 1970.
 */
export function showRecipes(list, recipes, now) {
  for (const recipe of recipes) {
    const id = `recipe-${recipe.id}`;
    const item = document.getElementById(id) ?? element("li", "panel");
    if (item.id === "") list.append(item);
    item.id = id;
    const head = element("div", "head");
    const [name, state] = [element("span", "name"), element("span", "state")];
    [name.textContent, state.textContent] = [
      recipe.name,
      recipe.status === "stopped" ? "stopped; the same command goes on" : recipe.status,
    ];
    state.dataset["state"] = recipe.status;
    head.append(name, state);
    const stages = element("ol", "stages");
    stages.append(...recipe.stages.map((stage) => stageItem(stage, now)));
    const reason = element("p", "reason");
    reason.textContent = recipe.reason;
    item.replaceChildren(head, stages, ...(recipe.reason === "" ? [] : [reason]));
  }
}

/**
 * @param {StageView} stage
 * @param {number} now
 */
function stageItem({ name, command, status, began, seconds, rows, requests, steps, cost_usd: cost }, now) {
  const item = element("li", "");
  if (status === "running") item.setAttribute("aria-current", "step");
  const [title, state, facts] = [element("b", ""), element("span", "state"), element("span", "note")];
  title.textContent = name;
  const took =
    seconds !== null ? ` in ${duration(seconds)}` : status === "running" && began !== null ? `, ${duration(now - began)}` : "";
  state.textContent = status + took;
  state.dataset["state"] = status;
  facts.textContent = [
    ...(command === name ? [] : [command]),
    ...(rows === null ? [] : [`up to ${compact(rows)} rows`]),
    ...(requests === null ? [] : [`${compact(requests)} requests`]),
    ...(cost === null ? [] : [`${dollars(cost[0])} to ${dollars(cost[1])}`]),
    ...(steps === null ? [] : [`${compact(steps)} steps`]),
  ].join(" · ");
  item.append(title, " ", state, facts);
  return item;
}
