// A bar that fills while a folder is worked through. Where nobody watches (a pipe, a file, one pair) it writes nothing.

export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const bar = 24;
const clear = '\r\x1b[K';

export class Progress {
  readonly #screen: Screen;
  readonly #total: number;
  readonly #shown: boolean;

  constructor(screen: Screen, total: number) {
    this.#screen = screen;
    this.#total = total;
    this.#shown = screen.isTTY === true && total > 1;
  }

  /** `done` of all are done and `name` is next. */
  show(done: number, name: string): void {
    if (!this.#shown) return;
    const filled = Math.round((bar * done) / this.#total);
    const text = `${'█'.repeat(filled)}${'░'.repeat(bar - filled)} ${done} of ${this.#total}  ${name}`;
    this.#screen.write(clear + text.slice(0, (this.#screen.columns || 80) - 1));
  }

  end(): void {
    if (this.#shown) this.#screen.write(clear);
  }
}
