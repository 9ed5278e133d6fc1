// Figures open large: the address says which (#zoom=stall), so that a link to a figure opens it, and Back closes it.
"use strict";
const dialog = document.getElementById("zoom");
const stage = dialog.querySelector(".stage");
const large = dialog.querySelector("img");
const pointers = new Map();
let scale = 1, x = 0, y = 0;

function place() {
  large.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
}

function fit() {
  scale = 1; x = 0; y = 0;
  place();
}

function zoomAt(left, top, factor) {
  const next = Math.min(20, Math.max(1, scale * factor));
  x = left - (left - x) * next / scale;
  y = top - (top - y) * next / scale;
  scale = next;
  if (scale === 1) fit(); else place();
}

function move(dx, dy) {
  x += dx; y += dy;
  place();
}

function follow() {
  const name = /^#zoom=([\w-]+)$/.exec(location.hash)?.[1];
  const small = name && document.querySelector(`#figure-${name} img`);
  if (!small) {
    if (dialog.open) dialog.close();
    return;
  }
  large.src = small.src;
  large.alt = small.alt;
  fit();
  if (!dialog.open) dialog.showModal();
  document.documentElement.dataset.zoomed = name;
}

dialog.addEventListener("close", () => {
  const name = document.documentElement.dataset.zoomed;
  delete document.documentElement.dataset.zoomed;
  if (location.hash.startsWith("#zoom=")) history.replaceState(null, "", "#figure-" + name);
});
dialog.addEventListener("keydown", (event) => {
  const centre = [stage.clientWidth / 2, stage.clientHeight / 2];
  const action = {"+": () => zoomAt(...centre, 1.4), "=": () => zoomAt(...centre, 1.4),
                  "-": () => zoomAt(...centre, 1 / 1.4), "0": fit, ArrowLeft: () => move(60, 0),
                  ArrowRight: () => move(-60, 0), ArrowUp: () => move(0, 60), ArrowDown: () => move(0, -60)}[event.key];
  if (!action || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  action();
});
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomAt(event.clientX, event.clientY, Math.exp(-event.deltaY / 400));
}, {passive: false});
stage.addEventListener("pointerdown", (event) => {
  stage.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, event);
});
for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => pointers.delete(event.pointerId));
stage.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const other = [...pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
  if (other) {
    const apart = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
    zoomAt((event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2, apart(event) / (apart(before) || 1));
  } else {
    move(event.clientX - before.clientX, event.clientY - before.clientY);
  }
  pointers.set(event.pointerId, event);
});

// Printed, everything is open.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
addEventListener("hashchange", follow);
if (matchMedia("(max-width: 70rem)").matches) document.querySelector("nav details").open = false;

// What a test reads: how many figures could be decoded.
Promise.all([...document.querySelectorAll("figure img")].map((image) => image.decode().then(() => image.naturalWidth > 0, () => false)))
  .then((decoded) => {
    document.documentElement.dataset.figures = `${decoded.filter(Boolean).length}/${decoded.length}`;
  });
follow();
