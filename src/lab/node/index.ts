/** The part of the lab that needs Node or compiles parsers: reading NVM images. Not for browsers. */
export * from './nvm-image.js';
