/** Light and dark for the pages the library writes, from one list of colours. */

/** Colours by what they are for; text colours have a contrast of at least 4.5 on `page` and on `surface`. */
const themes = {
  light: {
    page: "#ffffff",
    surface: "#f5f6f8",
    line: "#d5dae0",
    text: "#1b1f24",
    muted: "#57606a",
    accent: "#0b57c2",
    soft: "#e3edfc",
    plus: "#0b6b3a",
    minus: "#b3261e",
    unsure: "#8a4b00",
    target: "#fff0d6",
    targetLine: "#b26a00",
    up: "#3f9d6b",
    down: "#d9655c",
  },
  dark: {
    page: "#14171a",
    surface: "#1d2126",
    line: "#3a424b",
    text: "#e7eaee",
    muted: "#a8b1bb",
    accent: "#82b7ff",
    soft: "#1c2f4a",
    plus: "#74d49a",
    minus: "#ff9f96",
    unsure: "#f0b35e",
    target: "#3d2f14",
    targetLine: "#e0a042",
    up: "#4bb57b",
    down: "#e0736a",
  },
} as const;

/** A theme as declarations of custom properties. */
export function themeVariables(theme: keyof typeof themes): string {
  const colours = Object.entries(themes[theme]).map(([name, value]) => `--${name}:${value}`);
  return `color-scheme:${theme};${colours.join(";")}`;
}

/** All themes' colours, for whoever checks contrasts. */
export const pageThemes: Readonly<Record<"light" | "dark", Readonly<Record<string, string>>>> = themes;

/** The colours of the theme the reader's system asks for, or of the one named in data-theme. */
export const themeStyle = `:root{${themeVariables("light")}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${themeVariables("dark")}}}
:root[data-theme=dark]{${themeVariables("dark")}}`;
