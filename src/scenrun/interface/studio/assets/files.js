/* Files of the folder and of the library: opened, forked and saved. */
import { fetched, written } from "./connection.js";
import { $, el } from "./elements.js";

const state = { file: "", saved: "", files: [] };
let editor;

export const file = () => state.file;

const list = (files) => {
  state.files = files;
  $("files").replaceChildren(el("option", { value: "" }, "not saved yet"), ...files.map((name) => el("option", { value: name }, name)));
  $("files").value = files.includes(state.file) ? state.file : "";
};

const isChanged = () => editor.text() !== state.saved;

/* opened: called before another text is shown; failed: with what could not be done. */
export const begin = (given, { opened, failed, listSchedules }) => {
  editor = given;
  const openText = (text, name) => {
    state.file = name;
    $("name").value = name;
    $("files").value = name;
    opened();
    editor.set(text);
    state.saved = editor.text(); // with the ends of lines that the editor has
  };

  const save = async () => {
    const name = $("name").value.trim();
    if (state.files.includes(name) && name !== state.file && !confirm(`${name} is there already. Replace it?`)) return;
    try {
      const told = await written(name, editor.text());
      state.file = name;
      state.saved = editor.text();
      list(told.files);
      listSchedules(told.schedules);
      $("save").textContent = "Saved";
    } catch (error) {
      failed("not saved", error.message);
      $("name").focus();
    }
  };

  const mayLeave = () => !isChanged() || confirm(`${state.file || "This text"} has changes that are not saved. Leave them?`);

  $("files").addEventListener("change", async () => {
    const name = $("files").value;
    if (!name || !mayLeave()) { $("files").value = state.file; return; }
    try {
      openText(await fetched(`file?name=${encodeURIComponent(name)}`), name);
    } catch (error) { failed("not opened", error.message); }
  });
  $("library").addEventListener("change", async () => {
    const name = $("library").value;
    if (![...$("shipped").options].some((one) => one.value === name) || !mayLeave()) return;
    openText(await fetched(`library?name=${encodeURIComponent(name)}`), "");
    $("name").value = `${name.split("/").at(-1)}.yaml`;
    $("library").value = "";
    editor.focus();
  });
  $("save").addEventListener("click", save);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); save(); }
  });
  window.addEventListener("beforeunload", (event) => { if (isChanged()) event.preventDefault(); });

  /* The library, the files, and the text to begin with. */
  return async (known) => {
    $("shipped").replaceChildren(...known.library.map((name) => el("option", { value: name.replace(/\.yaml$/, "") })));
    list(known.files);
    listSchedules(known.schedules);
    const first = known.first || known.files[0];
    openText(first ? await fetched(`file?name=${encodeURIComponent(first)}`) : await fetched("library?name=lost_update"), first || "");
  };
};
