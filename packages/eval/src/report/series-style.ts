import { type Html, html } from "./html.ts";

const DASHES = ["none", "7 4", "2 4", "10 3 2 3", "4 2", "12 4"];

/** Series differ by dash as well as colour, so that neither alone carries the meaning. */
export interface SeriesStyle {
  colour: string;
  dash: string;
}

export type SeriesStyles = (name: string, position: number) => SeriesStyle;

/** A run keeps its colour in every chart of the page: the place of its name in `names`, else its place in the chart. */
export function seriesStyles(names: readonly string[]): SeriesStyles {
  const places = new Map([...new Set(names)].map((name, i) => [name, i]));
  return (name, position) => {
    const place = places.get(name) ?? position;
    // The seventh series has the first one's colour, but not its dash.
    return { colour: `var(--s${place % 6})`, dash: DASHES[(place + Math.floor(place / 6)) % DASHES.length]! };
  };
}

export function legend(entries: readonly { name: string; style: SeriesStyle }[]): Html {
  return html`<ul class="legend">${entries.map(
    ({ name, style }) =>
      html`<li><svg viewBox="0 0 26 10" aria-hidden="true"><line class="series" x1="1" x2="25" y1="5" y2="5" style="stroke:${style.colour}" stroke-dasharray="${style.dash}"/></svg>${name}</li>`,
  )}</ul>`;
}
