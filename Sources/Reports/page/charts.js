// Charts. Each is drawn at the width that it has, and again when that changes, so that its letters keep their size.
const fits = [];
function fit(box, render) {
  fits.push(render);
  new ResizeObserver(() => requestAnimationFrame(render)).observe(box);
}

function chart(height, draw) {
  const box = h('div', { class: 'chart' });
  let width = 0;
  const render = () => {
    const now = Math.floor(box.clientWidth);
    if (now === 0 || now === width) return;
    width = now;
    box.replaceChildren();
    const size = typeof height === 'function' ? height(now) : height;
    const svg = s('svg', { width: now, height: size, viewBox: `0 0 ${now} ${size}`, role: 'img' });
    box.append(svg);
    draw(svg, now, size, box);
  };
  fit(box, render);
  return box;
}

// Round places between two numbers.
function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(x => x * power).find(x => x >= rough * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

// A scale from numbers to places: linear, or logarithmic.
function scale(low, high, from, to, isLog) {
  const f = isLog ? Math.log10 : x => x;
  const [a, b] = [f(low), f(high)];
  const place = x => b === a ? (from + to) / 2 : from + (f(x) - a) / (b - a) * (to - from);
  place.ticks = count => {
    if (!isLog) return ticks(low, high, count);
    const decades = [];
    for (let e = Math.floor(a); e <= Math.ceil(b); e++) for (const m of [1, 2, 5]) decades.push(m * 10 ** e);
    const inside = decades.filter(x => x >= low * 0.999 && x <= high * 1.001);
    const tens = inside.filter(x => /^1(0*|e.*)$|^0?\.0*1$/.test(String(x)));
    const chosen = inside.length <= count + 2 ? inside : tens;
    if (chosen.length < 2) return inside.length ? inside : [low, high];
    const every = Math.ceil(chosen.length / (count + 2));
    return chosen.filter((_, i) => i % every === 0);
  };
  return place;
}

// Axes of a chart; the room on the left follows the widest number.
function axes(svg, frame, x, y, { xName, yName, xFormat = short, yFormat = short, xCount, yTicks, xTicks } = {}) {
  const { left, right, top, bottom } = frame;
  for (const value of yTicks ?? y.ticks(Math.max(2, Math.round((bottom - top) / 42)))) {
    const place = Math.round(y(value)) + 0.5;
    svg.append(s('line', { class: 'gridline', x1: left, x2: right, y1: place, y2: place }),
      s('text', { x: left - 6, y: place + 4, 'text-anchor': 'end' }, yFormat(value)));
  }
  for (const value of xTicks ?? x.ticks(xCount ?? Math.max(2, Math.round((right - left) / 60)))) {
    const place = Math.round(x(value)) + 0.5;
    svg.append(s('line', { class: 'axis', x1: place, x2: place, y1: bottom, y2: bottom + 4 }),
      s('text', { x: place, y: bottom + 17, 'text-anchor': place > right - 14 ? 'end' : 'middle' }, xFormat(value)));
  }
  svg.append(s('line', { class: 'axis', x1: left, x2: right, y1: bottom + 0.5, y2: bottom + 0.5 }));
  if (xName) svg.append(s('text', { x: right, y: bottom + 32, 'text-anchor': 'end' }, xName));
  if (yName) svg.append(s('text', { x: left, y: top - 8 }, yName));
}

const frameOf = (width, height, left = 52) => ({ left, right: width - 8, top: 18, bottom: height - 38 });

function tipAt(box, tip, x, width, top) {
  if (!tip.isConnected) box.append(tip);
  tip.style.top = top + 'px';
  const half = tip.offsetWidth + 14;
  tip.style.left = Math.max(0, x + half > width ? x - half : x + 14) + 'px';
}

// Lines over the steps of a run, with the values under the pointer.
function lineChart(lines, { yName, format = short, percent = false, linear = false } = {}) {
  const all = lines.flatMap(line => line.points);
  const values = all.map(point => point[1]);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const isLog = !linear && low > 0 && high / low > 60;
  if (!isLog) {
    const pad = (high - low || Math.abs(high) || 1) * 0.06;
    const from = low;
    low -= pad; high += pad;
    if (from >= 0 && low < 0) low = 0;
    if (percent && high > 1) high = Math.max(1, values.reduce((a, b) => Math.max(a, b)));
  }
  const steps = all.map(point => point[0]);
  const [first, last] = [Math.min(0, ...steps), Math.max(...steps)];
  const box = chart(width => width < 420 ? 210 : 230, (svg, width, height, holder) => {
    const frame = frameOf(width, height);
    const x = scale(first, last, frame.left, frame.right);
    const y = scale(low, high, frame.bottom, frame.top, isLog);
    svg.setAttribute('aria-label', lines.map(line => line.name).join(', '));
    axes(svg, frame, x, y, { xName: t('axis.step'), yName, xFormat: amountOfSteps, yFormat: format });
    for (const line of lines) {
      const path = line.points.map((point, i) => (i ? 'L' : 'M') + x(point[0]).toFixed(1) + ' ' + y(point[1]).toFixed(1)).join('');
      svg.append(s('path', { d: path, fill: 'none', stroke: line.colour, 'stroke-width': 1.8,
        'stroke-dasharray': line.dash ? '5 4' : null, 'stroke-linejoin': 'round' }));
      if (line.points.length <= 12) {
        for (const point of line.points) svg.append(s('circle', { cx: x(point[0]), cy: y(point[1]), r: 2.6, fill: line.colour }));
      }
    }
    const mark = s('line', { class: 'axis', y1: frame.top, y2: frame.bottom, visibility: 'hidden' });
    const dots = lines.map(line => s('circle', { r: 3.5, fill: line.colour, visibility: 'hidden' }));
    svg.append(mark, ...dots);
    const tip = h('div', { class: 'tip' });
    const hide = () => { tip.remove(); for (const node of [mark, ...dots]) node.setAttribute('visibility', 'hidden'); };
    svg.addEventListener('pointermove', event => {
      const place = event.clientX - svg.getBoundingClientRect().left;
      const step = first + (place - frame.left) / (frame.right - frame.left) * (last - first);
      const near = lines.map(line => nearest(line.points, step));
      const at = near.reduce((best, point) => Math.abs(point[0] - step) < Math.abs(best[0] - step) ? point : best)[0];
      mark.setAttribute('x1', x(at)); mark.setAttribute('x2', x(at)); mark.setAttribute('visibility', 'visible');
      const shown = lines.map((line, i) => [line, near[i], dots[i]]).filter(([, point]) => Math.abs(x(point[0]) - x(at)) < 14);
      for (const dot of dots) dot.setAttribute('visibility', 'hidden');
      for (const [, point, dot] of shown) {
        dot.setAttribute('cx', x(point[0])); dot.setAttribute('cy', y(point[1])); dot.setAttribute('visibility', 'visible');
      }
      tip.replaceChildren(h('div', {}, h('b', {}, t('axis.step') + ' ' + whole(at))),
        ...shown.slice(0, 14).map(([line, point]) => h('div', {}, h('span', {}, key(line.colour), line.name), h('b', {}, format(point[1])))));
      tipAt(holder, tip, x(at), width, frame.top);
    });
    svg.addEventListener('pointerleave', hide);
  });
  return h('figure', { style: 'margin:0' }, box, lines.length > 1 ? legend(lines) : null);
}
const amountOfSteps = value => value >= 10000 ? digits(value / 1000, 0, 1) + 'k' : whole(value);
function nearest(points, step) {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < step) low = middle + 1; else high = middle;
  }
  const [a, b] = [points[Math.max(0, low - 1)], points[low]];
  return step - a[0] < b[0] - step ? a : b;
}
const legend = lines => h('div', { class: 'legend' }, lines.map(line =>
  h('span', {}, h('i', { class: line.dash ? 'line dash' : 'line', style: 'border-color:' + line.colour }), line.name)));

// Bars in groups, one group a range of lengths.
function barChart(groups, names, format) {
  const high = Math.max(...groups.flatMap(group => group.values.filter(x => x !== null)), 0);
  return h('figure', { style: 'margin:0' }, chart(220, (svg, width, height) => {
    const frame = frameOf(width, height);
    const y = scale(0, high > 1.2 ? high * 1.05 : Math.max(high, 1e-9) <= 1 && high > 0.5 ? 1 : high * 1.1 || 1, frame.bottom, frame.top);
    axes(svg, frame, scale(0, 1, frame.left, frame.right), y, { xTicks: [], yFormat: format });
    const room = (frame.right - frame.left) / groups.length;
    groups.forEach((group, index) => {
      const bar = Math.min(26, room * 0.72 / names.length);
      const start = frame.left + room * (index + 0.5) - bar * names.length / 2;
      group.values.forEach((value, i) => {
        if (value === null) return;
        svg.append(s('rect', { x: start + i * bar + 1, y: y(value), width: Math.max(1, bar - 2), height: Math.max(0, frame.bottom - y(value)), rx: 2, fill: names[i].colour },
          s('title', {}, `${names[i].name}: ${format(value)}`)));
      });
      const middle = frame.left + room * (index + 0.5);
      svg.append(s('text', { x: middle, y: frame.bottom + 16, 'text-anchor': 'middle' }, group.name),
        s('text', { x: middle, y: frame.bottom + 31, 'text-anchor': 'middle', 'font-size': 10.5 }, group.note));
    });
  }), names.length > 1 ? legend(names) : null);
}

// Points in a square from 0 to 1 or in the range of the numbers, with the diagonal where both are equal.
function squareChart(sets, { low = 0, high = 1, xName, yName, format = short, joined = false }) {
  return h('figure', { style: 'margin:0' }, chart(width => Math.min(width, 340), (svg, width, height) => {
    const frame = frameOf(Math.min(width, height + 40), height);
    const [x, y] = [scale(low, high, frame.left, frame.right), scale(low, high, frame.bottom, frame.top)];
    axes(svg, frame, x, y, { xName, yName, xFormat: format, yFormat: format, xCount: 5 });
    svg.append(s('line', { stroke: css('--soft'), 'stroke-opacity': 0.6, 'stroke-dasharray': '4 4', x1: x(low), y1: y(low), x2: x(high), y2: y(high) }));
    for (const set of sets) {
      if (joined) {
        svg.append(s('path', { fill: 'none', stroke: set.colour, 'stroke-width': 1.8,
          'stroke-opacity': 0.55, d: set.points.map((point, i) => (i ? 'L' : 'M') + x(point[0]) + ' ' + y(point[1])).join('') }));
      }
      const most = Math.max(...set.points.map(point => point[2] ?? 1));
      for (const point of set.points) {
        svg.append(s('circle', { cx: x(point[0]), cy: y(point[1]), fill: set.colour, 'fill-opacity': joined ? 0.8 : 0.5,
          r: joined ? 2.5 + 5 * Math.sqrt((point[2] ?? 1) / most) : 2.6 }, s('title', {}, set.label(point))));
      }
    }
  }), legend(sets));
}
