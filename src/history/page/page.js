// The only script of the page: what the curve says where the pointer is. Without it nothing is missing.
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  document.querySelectorAll("article").forEach(function (article, number) {
    const plot = article.querySelector("figure > svg.chart > svg.plot");
    const run = data.runs[number];
    if (!plot || !run || !run.series.end_s.length || !article.querySelector(".readout")) return;
    const chart = plot.parentNode, readout = article.querySelector(".readout"), cursor = plot.querySelector(".cursor");
    const ends = run.series.end_s, last = ends[ends.length - 1];
    const watts = function (value) { return value === null ? "unknown" : value.toPrecision(3) + " W"; };
    const show = function (event) {
      const box = chart.getBoundingClientRect();
      const at = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * last;
      let low = 0, high = ends.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (ends[middle] < at) low = middle + 1; else high = middle;
      }
      cursor.setAttribute("d", "M" + 1000 * at / last + " 0V200");
      readout.textContent = (low ? ends[low - 1] : 0) + " to " + ends[low] + " s: " + run.series.domains.map(function (domain) {
        return domain.name + " " + watts(domain.job_w[low]) + " of " + watts(domain.machine_w[low]);
      }).join(", ");
    };
    chart.addEventListener("pointermove", show);
    chart.addEventListener("pointerdown", show);
    chart.addEventListener("pointerleave", function () { cursor.setAttribute("d", ""); readout.textContent = ""; });
  });
})();
