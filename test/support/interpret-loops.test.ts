/** The oracle itself, where numbers are published. */
import { expect, it } from "vitest";
import { threefry } from "./interpret-loops.js";

it.each([
  [
    [0, 0],
    [0, 0],
    ["6b200159", "99ba4efe"],
  ],
  [
    [-1, -1],
    [-1, -1],
    ["1cb996fc", "bb002be7"],
  ],
  [
    [0x13198a2e, 0x03707344],
    [0x243f6a88, 0x85a308d3],
    ["c4923a9c", "483df7a0"],
  ],
])(
  "threefry2x32-20 of key %j and counter %j is Random123's %j",
  ([key0, key1], [counter0, counter1], words) => {
    const block = threefry(Number(key0), Number(key1), Number(counter0), Number(counter1));
    expect(block.map((word) => (word >>> 0).toString(16).padStart(8, "0"))).toEqual(words);
  },
);
