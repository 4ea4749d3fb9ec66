// Renders formulas: reads {"tex", "display"} and answers {"html"} or {"error"},
// a line of JSON each. The folder of KaTeX is the argument.

const katex = require(process.argv[2]);
const lines = require("readline").createInterface({ input: process.stdin });

lines.on("line", (line) => {
  const { tex, display } = JSON.parse(line);
  const options = { displayMode: display, throwOnError: true, strict: "error" };
  let answer;
  try {
    answer = { html: katex.renderToString(tex, options) };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
