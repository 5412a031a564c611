/**
 * The answering side of the calibration that needs no C compiler.
 *
 * @module
 */
declare const self: {
  onmessage: ((event: MessageEvent<{ words: Int32Array; trips: number }>) => void) | null;
  postMessage(message: string): void;
};

self.onmessage = ({ data: { words, trips } }) => {
  self.postMessage("started");
  for (let trip = 1; trip <= trips; trip++) {
    while (Atomics.load(words, 0) !== trip);
    Atomics.store(words, 32, trip);
  }
};
