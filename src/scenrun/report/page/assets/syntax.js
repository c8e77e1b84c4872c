/* The colours of the scenario's text: a small reader of YAML that knows keys, verbs, texts, numbers and comments. */

const VERBS = new Set([
  "abort acquire append assert atomic break call cancel choose clear_event continue for get if join join_queue",
  "log map notify notify_all on_done pop put raise release repeat reset result return run section set set_event",
  "set_exception set_result shutdown sleep spawn start submit task_done try wait wait_for while with work",
].flatMap((some) => some.split(" ")));

const syntax = (() => {
  const NUMBER = /^[-+]?\d[\d_.,]*(e[-+]?\d+)?\s?(ns|us|µs|ms|s|min|m|h|%)?$/i;
  const INSIDE = /"(?:\\.|[^"\\])*"|'[^']*'|(?<![\w.])\d[\d_]*(?:\.\d+)?(?:ns|us|µs|ms|s|min|h)?(?![\w])/g;
  const CONSTANTS = new Set(["true", "false", "null", "~"]);

  /* A value without quotes: a number, a constant, or an expression with texts and numbers in it. */
  const plain = (text, out) => {
    const bare = text.trim();
    if (NUMBER.test(bare) || CONSTANTS.has(bare)) return out.push(["value", text]);
    let from = 0;
    for (const found of text.matchAll(INSIDE)) {
      if (found.index > from) out.push(["", text.slice(from, found.index)]);
      out.push([/^["']/.test(found[0]) ? "string" : "value", found[0]]);
      from = found.index + found[0].length;
    }
    if (from < text.length) out.push(["", text.slice(from)]);
    return undefined;
  };

  const KEY = /[^\s#{}[\],"'&*!|>%@`-][^:#{}[\],"']*?(?=\s*:(?:\s|$))|-[^\s:#{}[\],"'][^:#{}[\],"']*?(?=\s*:(?:\s|$))/y;
  const QUOTED = /"(?:\\.|[^"\\])*"|'(?:''|[^'])*'/y;
  const OF_BLOCK = /(?:(?!\s#).)+/y;
  const OF_FLOW = /(?:(?!\s#)[^,{}[\]])+/y;
  const DASH = /-(?=\s|$)/y;
  const take = (pattern, text, at) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };

  /* The parts of a line, each with its class; `state` goes from line to line. */
  const partsOf = (line, state) => {
    const indent = line.length - line.trimStart().length;
    if (state.block >= 0 && (indent > state.block || !line.trim())) return [["string", line]];
    state.block = -1;
    const out = [];
    let at = 0;
    let isFirst = state.isFirst;
    while (at < line.length) {
      const rest = line.slice(at);
      const space = /^\s+/.exec(rest)?.[0];
      if (space) {
        out.push(["", space]);
        at += space.length;
      } else if (rest[0] === "#") {
        out.push(["remark", rest]);
        break;
      } else if (take(DASH, line, at) || "{}[],:".includes(rest[0])) {
        isFirst = sign(rest[0], state.open, isFirst);
        out.push(["", rest[0]]);
        at += 1;
      } else {
        at = word(line, at, out, state, isFirst, indent);
        isFirst = false;
      }
    }
    state.isFirst = isFirst && state.open.length > 0;
    return out;
  };

  /* Opens and closes brackets; whether an item of a list begins behind the sign. */
  const sign = (one, open, isFirst) => {
    if (one === "{" || one === "[") open.push(one);
    if (one === "}" || one === "]") open.pop();
    if (one === ",") return open[open.length - 1] === "[";
    return one === "[" || one === "-" || (one === "{" && isFirst);
  };

  /* A key, a verb (the first key of an item of a list), a text, or another value. */
  const word = (line, at, out, state, isFirst, indent) => {
    const quoted = take(QUOTED, line, at);
    if (quoted) {
      out.push([/^\s*:(\s|$)/.test(line.slice(at + quoted.length)) ? "key" : "string", quoted]);
      return at + quoted.length;
    }
    const key = take(KEY, line, at);
    if (key) {
      out.push([isFirst && VERBS.has(key) ? "verb" : "key", key]);
      return at + key.length;
    }
    const rest = line.slice(at);
    if (!state.open.length && /^[|>][-+\d]*\s*(#.*)?$/.test(rest)) state.block = indent;
    const value = take(state.open.length ? OF_FLOW : OF_BLOCK, line, at) || rest[0];
    if (isFirst && VERBS.has(value.trim())) out.push(["verb", value]);
    else plain(value, out);
    return at + value.length;
  };

  const begin = () => ({ block: -1, open: [], isFirst: false });

  /* How far in the text of a line begins: behind its spaces and dashes. */
  const indentOf = (line) => /^\s*(?:- +)*/.exec(line)[0].length;

  return { partsOf, begin, indentOf };
})();
