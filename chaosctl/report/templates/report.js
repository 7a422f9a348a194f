"use strict";
// Values under the pointer. Without this the report says everything but them.
const evidence = JSON.parse(document.getElementById("evidence").textContent);
const place = evidence.drawing;
const text = (value) => (value === null || value === undefined ? "no data" : Number(value.toPrecision(4)).toString());
for (const figure of document.querySelectorAll("figure[data-line]")) {
  const line = evidence.lines[Number(figure.dataset.line)];
  const svg = figure.querySelector("svg"), cursor = figure.querySelector(".cursor"), said = figure.querySelector(".value");
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * place.width;
    const share = (x - place.left) / (place.width - place.left - place.right);
    if (share < 0 || share > 1) return;
    const at = place.start_ms + share * (place.end_ms - place.start_ms);
    const index = Math.round((at - line.start_ms) / line.step_ms);
    const end = line.start_ms + index * line.step_ms;
    const near = place.left + ((end - place.start_ms) / (place.end_ms - place.start_ms)) * (place.width - place.left - place.right);
    cursor.setAttribute("x1", near);
    cursor.setAttribute("x2", near);
    const mean = line.judged.length ? `, mean that is judged ${text(line.judged[index])}` : "";
    const other = line.others.length ? `, compared with ${text(line.others[index])}` : "";
    const ahead = (end - line.band_start_ms) / line.step_ms;
    const band = ahead in line.band_low ? `, forecast ${text(line.band_low[ahead])} to ${text(line.band_high[ahead])}` : "";
    said.textContent = `T ${((end - place.zero_ms) / 1000).toFixed(0)} s: ${text(line.values[index])}${mean}${other}${band}`;
  });
  svg.addEventListener("pointerleave", () => {
    cursor.setAttribute("x1", -9);
    cursor.setAttribute("x2", -9);
    said.textContent = "";
  });
}
