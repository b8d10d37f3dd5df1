/** Letting the event loop run: timers, input, display. */

let channel: MessageChannel | undefined;

/** Resolves after pending events were handled: by setImmediate where there is one, else by a message to ourselves. */
export function pause(): Promise<void> {
  const immediate: ((callback: () => void) => unknown) | undefined = globalThis.setImmediate;
  if (typeof immediate === "function")
    return new Promise((resolve) => {
      immediate(resolve);
    });
  // a timer would wait at least 4 ms in a browser
  channel ??= new MessageChannel();
  const { port1, port2 } = channel;
  return new Promise((resolve) => {
    port1.onmessage = () => resolve();
    port2.postMessage(null);
  });
}
