/* The connection with the studio: a job for each slot, the last one that was asked for. */
let socket;
const numbers = {};
const heard = {};
let asked = 0;
let text = () => "";
const GONE = "the studio has ended; begin it again: scenrun studio";

/* handlers: by slot, what is done with each kind of message. */
export const connect = ({ textOf, opened, closed }) => {
  text = textOf;
  socket = new WebSocket(new URL("talk", location.href.replace(/^http/, "ws")));
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.number === numbers[message.slot]) heard[message.slot]?.[message.kind]?.(message); // otherwise of a text that is no more
  });
  socket.addEventListener("open", opened);
  socket.addEventListener("close", () => {
    closed();
    for (const slot of Object.keys(heard)) if (slot !== "explore") heard[slot].refused?.({ message: GONE });
  });
};

export const hear = (slot, handlers) => { heard[slot] = handlers; };

export const ask = (slot, more = {}) => {
  if (socket.readyState !== WebSocket.OPEN) { heard[slot]?.refused?.({ message: GONE }); return; }
  asked += 1;
  numbers[slot] = asked;
  socket.send(JSON.stringify({ do: slot, slot, number: asked, text: text(), ...more }));
};

export const stop = (slot) => {
  numbers[slot] = 0;
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ do: "stop", slot }));
};

export const fetched = async (address) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({ message: answer.statusText }))).message);
  return answer.text();
};

/* Write a file of the folder; gives what files there are then, or throws what is wrong. */
export const written = async (name, body) => {
  const answer = await fetch(`file?name=${encodeURIComponent(name)}`, { method: "PUT", body });
  const told = await answer.json().catch(() => ({ message: answer.statusText }));
  if (!answer.ok) throw new Error(told.message);
  return told;
};
