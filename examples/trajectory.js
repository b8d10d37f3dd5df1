// Differentiates through a simulation: which throw lands in the basket? Run: node examples/trajectory.js
// The flight of a ball with air resistance is a loop of 200 ordinary steps; its derivative comes with it.
import { grad, jit, tensor } from "adjoint";

const gravity = tensor([0, -9.81]);
const drag = 0.05; // per metre
const [steps, duration] = [200, 1.5]; // s
const basket = tensor([8, 2]); // m

/** Where the ball is after the flight, for a velocity [vx, vy] in m/s at the origin. */
function land(velocity) {
  const dt = duration / steps;
  let [place, v] = [tensor([0, 0]), velocity];
  for (let i = 0; i < steps; i++) {
    const acceleration = gravity.sub(v.mul(v.norm()).mul(drag));
    v = v.add(acceleration.mul(dt));
    place = place.add(v.mul(dt));
  }
  return place;
}

const miss = (velocity) => land(velocity).sub(basket).square().sum();
const improve = jit((velocity) => velocity.sub(grad(miss)(velocity).mul(0.15)));

let velocity = tensor([5, 5]);
const throws = [velocity];
for (let i = 0; i < 40; i++) {
  velocity = improve(velocity);
  throws.push(velocity);
}
for (const i of [0, 1, 5, 20, 40]) {
  const [vx, vy] = await throws[i].array();
  const distance = Math.sqrt(await miss(throws[i]).item());
  console.log(`throw ${i}: (${vx.toFixed(2)}, ${vy.toFixed(2)}) m/s misses by ${distance.toFixed(3)} m`);
}
