/**
 * Where the nodes of a graph go in a drawing: layers from the inputs down to the cost, as Sugiyama, Tagawa and Toda (1981) do it:
 * ranks by longest path, places for long edges to pass through, orders by the mean of the neighbours, then coordinates.
 *
 * Deviations: an input stands right above what first reads it, not at the top; coordinates are a few sweeps towards the
 * neighbours instead of an optimum. Known weakness: crossings are few, not fewest.
 */

/** A box to place. `edges` go from a box to those that read it, so the graph must have no cycle. */
export interface Box {
  readonly width: number;
  readonly height: number;
}

/** A box placed: its middle. */
export interface Placed {
  readonly x: number;
  readonly y: number;
}

/** A drawing: as many places as boxes, and a line of points for each edge. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly places: readonly Placed[];
  readonly lines: readonly (readonly Placed[])[];
}

const gapX = 22;
const gapY = 44;
const margin = 12;
/** An edge over more ranks than this is drawn straight, so that places to pass through stay few. */
const longestBend = 40;
const orderSweeps = 8;
const placeSweeps = 12;

/** A box, or a place an edge passes through. */
interface Spot extends Box {
  readonly rank: number;
  readonly above: number[];
  readonly below: number[];
  /** Does it read nothing? Then it stands beside what reads it, and does not pull it aside. */
  readonly isSource: boolean;
  x: number;
}

/**
 * @param edges pairs of positions in `boxes`, from what is read to what reads it
 */
export function layOut(boxes: readonly Box[], edges: readonly (readonly [number, number])[]): Drawing {
  if (boxes.length === 0) return { width: 0, height: 0, places: [], lines: [] };
  const ranks = ranksOf(boxes.length, edges);
  const spots: Spot[] = boxes.map(({ width, height }, i) => ({
    width,
    height,
    rank: ranks[i],
    above: [],
    below: [],
    isSource: !edges.some(([, to]) => to === i),
    x: 0,
  }));
  const connect = (from: number, to: number): void => {
    spots[from].below.push(to);
    spots[to].above.push(from);
  };
  const routes = edges.map(([from, to]) => {
    const route = [from];
    if (ranks[to] - ranks[from] <= longestBend)
      for (let rank = ranks[from] + 1; rank < ranks[to]; rank++) {
        const pass =
          spots.push({ width: 6, height: 0, rank, above: [], below: [], isSource: false, x: 0 }) - 1;
        connect(route[route.length - 1], pass);
        route.push(pass);
      }
    connect(route[route.length - 1], to);
    return [...route, to];
  });
  const rows: number[][] = Array.from({ length: Math.max(...ranks) + 1 }, () => []);
  spots.forEach(({ rank }, i) => {
    rows[rank].push(i);
  });
  orderRows(rows, spots);
  placeRows(rows, spots);
  const tops = topsOf(rows, spots);
  const left = Math.min(...spots.map(({ x, width }) => x - width / 2)) - margin;
  const right = Math.max(...spots.map(({ x, width }) => x + width / 2)) + margin;
  const at = (i: number): Placed => ({ x: spots[i].x - left, y: tops[spots[i].rank] });
  return {
    width: Math.ceil(right - left),
    height: Math.ceil(tops[tops.length - 1] + rowHeight(rows[rows.length - 1], spots) / 2 + margin),
    places: boxes.map((_, i) => at(i)),
    lines: routes.map((route) =>
      route.map((i, step) => {
        const { x, y } = at(i);
        const half = spots[i].height / 2;
        return { x, y: step === 0 ? y + half : step === route.length - 1 ? y - half : y };
      }),
    ),
  };
}

/** The longest way from an input; inputs come down to right above their first reader. */
function ranksOf(count: number, edges: readonly (readonly [number, number])[]): number[] {
  const readers: number[][] = Array.from({ length: count }, () => []);
  const waiting = new Array<number>(count).fill(0);
  for (const [from, to] of edges) {
    readers[from].push(to);
    waiting[to]++;
  }
  const isSource = waiting.map((number) => number === 0);
  const ranks = new Array<number>(count).fill(0);
  const ready = isSource.flatMap((source, i) => (source ? [i] : []));
  for (let i = ready.pop(); i !== undefined; i = ready.pop())
    for (const reader of readers[i]) {
      ranks[reader] = Math.max(ranks[reader], ranks[i] + 1);
      if (--waiting[reader] === 0) ready.push(reader);
    }
  return ranks.map((rank, i) =>
    isSource[i] && readers[i].length > 0 ? Math.min(...readers[i].map((reader) => ranks[reader])) - 1 : rank,
  );
}

/** Each row in the order of the mean position of its neighbours in the row before, down and up by turns. */
function orderRows(rows: number[][], spots: readonly Spot[]): void {
  const position = new Map<number, number>();
  const note = (row: readonly number[]): void => {
    row.forEach((i, place) => {
      position.set(i, (place + 0.5) / row.length);
    });
  };
  rows.forEach(note);
  for (let sweep = 0; sweep < orderSweeps; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      const wish = new Map(
        row.map((i) => {
          const neighbours = down ? spots[i].above : spots[i].below;
          const sum = neighbours.reduce((total, other) => total + (position.get(other) ?? 0), 0);
          return [i, neighbours.length === 0 ? (position.get(i) ?? 0) : sum / neighbours.length];
        }),
      );
      row.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
      note(row);
    }
  }
}

/** Coordinates: everything moves towards the mean of its neighbours as far as its row lets it. */
function placeRows(rows: readonly number[][], spots: readonly Spot[]): void {
  for (const row of rows) spread(row, spots, () => 0);
  for (let sweep = 0; sweep < placeSweeps; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse())
      spread(row, spots, (i) => {
        const { below, x } = spots[i];
        const computed = spots[i].above.filter((other) => !spots[other].isSource);
        const above = computed.length > 0 ? computed : spots[i].above;
        const neighbours = sweep >= placeSweeps - 2 ? [...above, ...below] : down ? above : below;
        if (neighbours.length === 0) return x;
        return neighbours.reduce((sum, other) => sum + spots[other].x, 0) / neighbours.length;
      });
  }
}

/**
 * Puts a row where its members wish to be, in order and apart: the mean of packing from the left and from the right. What is
 * computed goes first, so that a chain stays straight; sources find a place around it.
 */
function spread(row: readonly number[], spots: readonly Spot[], wish: (i: number) => number): void {
  const wishes = row.map(wish);
  const computed = row.flatMap((i, k) => (spots[i].isSource ? [] : [k]));
  const leading = computed.length > 0 ? computed : row.map((_, k) => k);
  const apart = (k: number): number => (spots[row[k]].width + spots[row[k + 1]].width) / 2 + gapX;
  const between = (k: number, next: number): number => {
    let distance = 0;
    for (let at = k; at < next; at++) distance += apart(at);
    return distance;
  };
  const fromLeft = leading.map((k) => wishes[k]);
  for (let n = 1; n < leading.length; n++)
    fromLeft[n] = Math.max(fromLeft[n], fromLeft[n - 1] + between(leading[n - 1], leading[n]));
  const fromRight = leading.map((k) => wishes[k]);
  for (let n = leading.length - 2; n >= 0; n--)
    fromRight[n] = Math.min(fromRight[n], fromRight[n + 1] - between(leading[n], leading[n + 1]));
  leading.forEach((k, n) => {
    spots[row[k]].x = (fromLeft[n] + fromRight[n]) / 2;
  });
  const [first, last] = [leading[0], leading[leading.length - 1]];
  for (let k = first - 1; k >= 0; k--) spots[row[k]].x = Math.min(wishes[k], spots[row[k + 1]].x - apart(k));
  const isLeading = new Set(leading);
  for (let k = first + 1; k < row.length; k++) {
    if (isLeading.has(k)) continue;
    const packed = spots[row[k - 1]].x + apart(k - 1);
    spots[row[k]].x = k < last ? packed : Math.max(wishes[k], packed);
  }
}

function rowHeight(row: readonly number[], spots: readonly Spot[]): number {
  return Math.max(0, ...row.map((i) => spots[i].height));
}

/** The middle of each row. */
function topsOf(rows: readonly number[][], spots: readonly Spot[]): number[] {
  let bottom = margin - gapY;
  return rows.map((row) => {
    const height = rowHeight(row, spots);
    const middle = bottom + gapY + height / 2;
    bottom = middle + height / 2;
    return middle;
  });
}
