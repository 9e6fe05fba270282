// binary-parser 2.3.0 ships typings that no `types` condition points at; this names them.
declare module 'binary-parser' {
  export { Parser } from 'binary-parser/dist/binary_parser.js';
}
