// v86 0.5.242 ships no types; this names what the tests use.
declare module 'v86' {
  export class V86 {
    constructor(options: Record<string, unknown>);
    add_listener(event: string, listener: (value: never) => void): void;
    destroy(): Promise<void>;
    save_state(): Promise<ArrayBuffer>;
    serial_send_bytes(serial: number, data: Uint8Array): void;
    readonly screen_adapter: { get_text_screen(): string[] };
  }
}
