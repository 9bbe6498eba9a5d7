/** Express 4 is installed under another name beside 5; its types are near enough the same. */
declare module 'express4' {
  import express from 'express';
  export = express;
}
