"use strict";
// Shows exact values where one points: by mouse, by finger, or by arrow keys on a chart that has
// the focus. The page says everything without it too; its tables have the numbers.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip");
  const plots = [...document.querySelectorAll(".plot")];
  const SVG = "http://www.w3.org/2000/svg";

  for (const kind of data.kinds) kind.at = new Map(kind.hits);
  const cursors = plots.map((plot) => {
    const line = document.createElementNS(SVG, "line");
    line.setAttribute("class", "cursor");
    line.setAttribute("y2", "100%");
    line.setAttribute("visibility", "hidden");
    plot.querySelector(".area").append(line);
    return line;
  });

  const number = (value) => value.toLocaleString("en-US");
  const digits = (value) =>
    value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : number(Math.round(value));
  const time = (us) =>
    us === 0 ? "–"
      : us < 1e3 ? `${us} µs`
      : us < 999500 ? `${digits(us / 1e3)} ms`
      : `${digits(us / 1e6)} s`;
  const seconds = (us) => (us / 1e6).toFixed(data.step < 1e5 ? 3 : 2);
  const rate = (count, us) => {
    const value = count / (us / 1e6);
    return value < 10 ? `${value.toFixed(1)}/s` : `${number(Math.round(value))}/s`;
  };

  // How long the columns of a chart are, and how many there are.
  const stepOf = (kind) => (kind === "noticed" ? data.bar_step : data.step);
  const columnsOf = (step) => Math.max(1, Math.ceil(data.span / step));
  const lengthOf = (column, step) => {
    const length = Math.min(step, data.span - column * step);
    return length > 0 ? length : step;
  };

  // What a chart says of a column: pairs of a name and a value.
  const rows = {
    rate: (group, column) => {
      const count = data.answered[group][column] ?? 0;
      return [["answers", number(count)], ["rate", rate(count, lengthOf(column, data.step))]];
    },
    latency: (group, column) =>
      [["p50", data.p50], ["p99", data.p99], ["p99.9", data.p999], ["longest", data.longest]]
        .map(([name, values]) => [name, time(values[group][column] ?? 0)]),
    noticed: (kind, column) =>
      [[data.kinds[kind].name, number(data.kinds[kind].at.get(column) ?? 0)]],
    bands: (_, column) => {
      const [from, until] = [column * data.step, (column + 1) * data.step];
      const there = data.bands.filter((band) => band.first < until && band.last >= from);
      const shown = there.slice(0, 8).map((band) => [band.name, ""]);
      return there.length > 8 ? [...shown, [`and ${there.length - 8} more`, ""]] : shown;
    },
  };

  let shown = null;

  const show = (place, column) => {
    const { kind, index } = plots[place].dataset;
    const step = stepOf(kind);
    column = Math.max(0, Math.min(columnsOf(step) - 1, column));
    shown = { place, column };
    const from = column * step;
    const until = from + lengthOf(column, step);
    const middle = `${(100 * (from + until)) / 2 / data.span}%`;
    for (const line of cursors) {
      line.setAttribute("x1", middle);
      line.setAttribute("x2", middle);
      line.setAttribute("visibility", "visible");
    }
    fill(from, until, rows[kind](Number(index), column));
    put(plots[place].querySelector(".area"), (from + until) / 2 / data.span);
  };

  const element = (name, text) => {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  };

  const fill = (from, until, pairs) => {
    const list = document.createElement("dl");
    for (const [name, value] of pairs) list.append(element("dt", name), element("dd", value));
    const restarts = data.restarts
      .filter((restart) => restart.at < until && restart.until >= from)
      .slice(0, 3)
      .map((restart) => element("p", `restart ${restart.number}: ${restart.state}`));
    const title = element("p", `${seconds(from)} to ${seconds(until)} s`);
    tip.replaceChildren(title, list, ...restarts);
  };

  // Beside the line if there is room, else over the chart, always within the window.
  const put = (area, share) => {
    tip.hidden = false;
    const box = area.getBoundingClientRect();
    const x = box.left + box.width * share;
    const { offsetWidth: width, offsetHeight: height } = tip;
    const gap = 12;
    const beside = x + gap + width <= innerWidth - 8 ? x + gap : x - gap - width;
    const fits = beside >= 8;
    const left = fits ? beside : Math.max(8, Math.min(innerWidth - width - 8, x - width / 2));
    const above = box.top - height - 6;
    const top = fits ? box.top + 4 : above >= 8 ? above : box.bottom + 6;
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(Math.max(8, top))}px)`;
  };

  const hide = () => {
    shown = null;
    tip.hidden = true;
    for (const line of cursors) line.setAttribute("visibility", "hidden");
  };

  // The next restart in this direction, as a column.
  const jump = (direction, column, step) => {
    const columns = data.restarts.map((restart) => Math.floor(restart.at / step));
    const found = direction > 0
      ? columns.find((at) => at > column)
      : columns.findLast((at) => at < column);
    return found ?? column;
  };

  const moves = {
    ArrowLeft: (column, event) => column - (event.shiftKey ? 10 : 1),
    ArrowRight: (column, event) => column + (event.shiftKey ? 10 : 1),
    PageUp: (column, _, step) => jump(-1, column, step),
    PageDown: (column, _, step) => jump(1, column, step),
    Home: () => 0,
    End: (_, __, step) => columnsOf(step) - 1,
  };

  plots.forEach((plot, place) => {
    const step = stepOf(plot.dataset.kind);
    const middle = Math.floor(columnsOf(step) / 2);
    const area = plot.querySelector(".area");
    const point = (event) => {
      const box = area.getBoundingClientRect();
      const share = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
      show(place, Math.floor((share * data.span) / step));
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") hide();
    });
    plot.addEventListener("focus", () => {
      if (plot.matches(":focus-visible")) show(place, middle);
    });
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      const column = shown && shown.place === place ? shown.column : middle;
      show(place, move(column, event, step));
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest(".plot")) hide();
  });
  addEventListener("scroll", () => { if (shown) hide(); }, { passive: true });

  document.documentElement.dataset.ready = String(plots.length);
})();
