import type { Page } from "./devtools.ts";

/** The contrast of the first element of each selector against what lies behind its text (WCAG 2.2, relative luminance). */
export function contrastsOf(page: Page, selectors: readonly string[]): Promise<number[]> {
  return page.evaluate<number[]>(`${JSON.stringify(selectors)}.map((selector) => {
    const luminance = (colour) => {
      const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => part / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const element = document.querySelector(selector);
    let behind = element;
    while (behind !== document.documentElement && /, 0\\)$|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(getComputedStyle(behind).backgroundColor)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  })`);
}
