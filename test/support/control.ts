/** A client of `nicforge serve --control`. */
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One answer. */
export interface ControlAnswer {
  readonly ok: boolean;
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: string;
}

/** One connection; answers come in the order of questions. */
export class ControlClient {
  readonly #socket: Socket;
  readonly #waiting: ((answer: ControlAnswer) => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    let have = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (have + text).split('\n');
      have = lines.pop()!;
      for (const line of lines) this.#waiting.shift()?.(JSON.parse(line) as ControlAnswer);
    });
    socket.on('error', () => undefined);
  }

  static open(path: string): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path, () => resolve(new ControlClient(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends a line as it is. */
  line(text: string): Promise<ControlAnswer> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(`${text}\n`);
    });
  }

  ask(request: object): Promise<ControlAnswer> {
    return this.line(JSON.stringify(request));
  }

  /** The result; an error is thrown. */
  async must(request: object): Promise<unknown> {
    const { ok, result, error } = await this.ask(request);
    if (!ok) throw new Error(`${JSON.stringify(request)}: ${error}`);
    return result;
  }

  /** Asks until the answer looks like `wanted`. */
  async until(request: object, wanted: RegExp, withinMs = 10_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const text = JSON.stringify(await this.must(request));
      if (wanted.test(text)) return;
      if (Date.now() > deadline) throw new Error(`${JSON.stringify(request)} did not come to ${wanted}: ${text}`);
      await sleep(20);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}
