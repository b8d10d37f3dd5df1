/** The devices there are, and which of them computes. */
import { currentDevice, type Device, type DeviceName, setCurrentDevice } from "../graph/device.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { referenceDevice } from "./reference/device.js";
import { wasmDevice } from "./wasm/device.js";
import { wasmFeatures } from "./wasm/features.js";

const all: Readonly<Record<DeviceName, Device>> = { wasm: wasmDevice, reference: referenceDevice };

/** Names of the devices this machine has, the default first. @example devices().includes("reference"); // → true */
export function devices(): DeviceName[] {
  return hasWasm() ? ["wasm", "reference"] : ["reference"];
}

function hasWasm(): boolean {
  try {
    wasmFeatures();
    return true;
  } catch {
    return false;
  }
}

/** The device that computes unless another is set: the fastest there is. */
export function defaultDevice(): Device {
  return all[devices()[0]];
}

/**
 * Chooses what computes from now on: "wasm" (the default: compiled, SIMD) or "reference" (plain TypeScript, slow, the oracle).
 * Functions already compiled are compiled again for the new device when they are next called.
 *
 * @throws AdjointError `device` for a name this machine does not have
 * @example
 * setDevice("reference");
 * setDevice("wasm");
 */
export function setDevice(name: DeviceName): void {
  // what it lacks says why better than a list of the others
  if (name === "wasm") wasmFeatures();
  if (!devices().includes(name))
    throw new AdjointError(
      "device",
      `setDevice: ${formatReceived(name)} is not available; this machine has ${devices().join(", ")}`,
      {
        operation: "setDevice",
        argument: "name",
        expected: devices().join(" | "),
        received: formatReceived(name),
      },
    );
  setCurrentDevice(all[name]);
}

/** The device that computes. @example typeof device(); // → string */
export function device(): DeviceName {
  return currentDevice()?.name ?? "reference";
}
