// The editor: YAML with colours, completion from the schema of scenarios, what is wrong under its place, quick fixes.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: tags.definition(tags.propertyName), color: "var(--yaml-key)" },
  { tag: tags.string, color: "var(--yaml-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--yaml-value)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", background: "var(--ground)", color: "var(--ink)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { background: "var(--panel)", color: "var(--muted)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { background: "var(--panel)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { background: "var(--mark)" },
  ".cm-tooltip": { background: "var(--ground)", color: "var(--ink)", border: "1px solid var(--strong)", borderRadius: "6px", maxWidth: "460px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--accent)", color: "var(--ground)" },
  ".cm-hint": { padding: "6px 10px", fontSize: "12px", whiteSpace: "pre-wrap" },
});

/* The words that can stand where the cursor is: verbs in a list of steps, keys elsewhere, names of the file in values. */
const completions = (words) => (context) => {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const word = context.matchBefore(/[\w.]+/);
  if (!word && !context.explicit) return null;
  const step = /^\s*- \w*$/.test(before);
  const key = /^\s*\w*$/.test(before);
  const options = step ? words.verbs : key ? words.keys : names(context.state).map((label) => ({ label, type: "variable" }));
  return { from: word ? word.from : context.pos, options, validFor: /^[\w.]*$/ };
};

const names = (state) => [...new Set([...state.doc.toString().matchAll(/^\s{2}(\w+):|\{(\w+):|, (\w+):/gm)].flatMap((one) => one.slice(1).filter(Boolean)))];

const hints = (words) => hoverTooltip((view, at) => {
  const line = view.state.doc.lineAt(at);
  const found = [...line.text.matchAll(/\w+/g)].find((one) => line.from + one.index <= at && at <= line.from + one.index + one[0].length);
  const known = found && [...words.verbs, ...words.keys].find((one) => one.label === found[0]);
  if (!known) return null;
  return { pos: line.from + found.index, above: true, create: () => {
    const dom = document.createElement("div");
    dom.className = "cm-hint";
    dom.textContent = `${known.label}: ${known.info}`;
    return { dom };
  } };
});

export const open = ({ parent, text, words, changed }) => {
  const fixed = new Compartment();
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), highlightActiveLine(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(),
        closeBrackets(), highlightSelectionMatches(), lintGutter(), yaml(), syntaxHighlighting(colours), look, indentUnit.of("  "),
        autocompletion({ override: [completions(words)] }), hints(words), fixed.of([]),
        EditorView.lineWrapping, EditorView.contentAttributes.of({ "aria-label": "Scenario" }),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
        EditorView.updateListener.of((update) => { if (update.docChanged) changed(update.state.doc.toString()); }),
      ],
    }),
  });
  const place = (line, column) => {
    const found = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)));
    return Math.min(found.to, found.from + Math.max(0, column - 1));
  };
  const wordAt = (from) => {
    const line = view.state.doc.lineAt(from);
    const rest = /^[\w.]+|^\S/.exec(view.state.doc.sliceString(from, line.to));
    return rest ? from + rest[0].length : Math.min(from + 1, line.to);
  };
  return {
    text: () => view.state.doc.toString(),
    set: (doc) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: doc }, selection: { anchor: 0 } }),
    focus: () => view.focus(),
    goTo: (line) => {
      const at = place(line, 1);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    },
    /* problems: line, column, message, severity, and perhaps a replacement for the word there. */
    mark: (problems) => {
      const found = problems.map((one) => {
        const from = place(one.line, one.column);
        const to = wordAt(from);
        const actions = one.fix ? [{ name: `replace by ${one.fix}`, apply: (v, a, b) => v.dispatch({ changes: { from: a, to: b, insert: one.fix } }) }] : [];
        return { from, to, severity: one.severity, message: one.message, actions };
      });
      view.dispatch(setDiagnostics(view.state, found));
    },
  };
};
