// Builds the editor into one file: `npm ci && npm run build`. A test builds it again where node is, and finds the same.
import { build } from "esbuild";

await build({
  entryPoints: ["editor.mjs"],
  outfile: process.argv[2] || "../assets/editor.js",
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "scenrunEditor",
  target: "es2021",
  legalComments: "inline",
  charset: "utf8",
});
