// The page itself: its head, its buttons, the report of one run or of several.
function comparison() {
  const runs = data.runs;
  const task = runs[0].task;
  const models = [];
  const seen = new Set();
  runs.forEach((run, index) => {
    for (const model of run.models) {
      if (model.role === 'baseline') continue;
      if (model.role === 'teacher') {
        const identity = model.name + JSON.stringify(model.scores);
        if (seen.has(identity)) continue;
        seen.add(identity);
        models.push({ ...model, label: t('role.teacher.named', { name: model.name }) });
      } else models.push({ ...model, label: run.title, own: true, colour: series(index) });
    }
  });
  models.sort((a, b) => (a.role === 'teacher' ? 0 : 1) - (b.role === 'teacher' ? 0 : 1));
  const metric = models.length ? mainMetric(task, models) : undefined;
  const parts = [h('p', { class: 'lead' }, rich('lead.comparison', { count: runs.length, task: task.name }))];
  parts.push(section('models', modelTable(models.map(model => ({ ...model, own: false })), shownMetrics(task, models), task.form)));
  const clouds = [
    ['pareto_size', model => model.parameters && megabytes(model), 'MB'],
    ['pareto_latency', model => model.latency_ms, 'ms'],
  ].map(([id, cost, unit]) => [id, models.filter(model => cost(model) > 0 && metric in model.scores)
    .map(model => ({ name: model.label, isTeacher: model.role === 'teacher', colour: model.colour ?? colours().teacher, x: cost(model), y: model.scores[metric] })), unit])
    .filter(([, points]) => points.length > 1);
  if (clouds.length) {
    parts.push(section('pareto', h('p', { class: 'note' }, t('note.pareto', { metric: capital(metricName(metric)) })),
      h('div', { class: 'grid', style: 'margin-top:8px' }, clouds.map(([id, points, unit]) =>
        h('div', { id }, h('h3', {}, t('curve.' + id)), paretoChart(points, unit, metric, task.form))))));
  }
  const lines = (chart, name) => runs.map((run, index) => ({ run, index, curve: run.curves.find(curve => curve.chart === chart && curve.name === name) }))
    .filter(line => line.curve).map(line => ({ name: line.run.title, points: line.curve.points, colour: series(line.index) }));
  const charts = [['scores', metric], ['loss', 'loss'], ['loss', 'eval_loss']].map(([chart, name]) => [chart, name, lines(chart, name)])
    .filter(([, , found]) => found.length);
  if (charts.length) {
    parts.push(section('curves', h('div', { class: 'grid' }, charts.map(([chart, name, found]) => h('div', {},
      h('h3', {}, chart === 'scores' ? capital(metricName(name)) : t(name === 'loss' ? 'curve.loss' : 'curve.eval_loss')), lineChart(found))))));
  }
  return parts;
}

// Score against cost, with the models that no other beats in both.
function paretoChart(points, unit, metric, form) {
  const better = isError(metric) ? (a, b) => a < b : (a, b) => a > b;
  const front = [...points].sort((a, b) => a.x - b.x || (better(a.y, b.y) ? -1 : 1)).reduce((found, point) =>
    !found.length || better(point.y, found[found.length - 1].y) ? [...found, point] : found, []);
  const values = points.map(point => point.y);
  const pad = (Math.max(...values) - Math.min(...values) || 0.01) * 0.15;
  const costs = points.map(point => point.x);
  return chart(250, (svg, width, height) => {
    const frame = frameOf(width, height);
    const isLog = Math.max(...costs) / Math.min(...costs) > 4;
    const x = scale(isLog ? Math.min(...costs) / 1.3 : 0, Math.max(...costs) * (isLog ? 1.3 : 1.15), frame.left, frame.right, isLog);
    const y = scale(Math.min(...values) - pad, Math.max(...values) + pad, frame.bottom, frame.top);
    // No number above 1 at the axis of a share.
    const yTicks = y.ticks(Math.max(2, Math.round((frame.bottom - frame.top) / 42))).filter(value => value <= 1 || Math.max(...values) > 1);
    axes(svg, frame, x, y, { xName: unit, yName: metricName(metric), yTicks, yFormat: value => digits(value, 0, form === 'answers' ? 1 : 4) });
    const steps = front.map((point, i) => i ? `H${x(point.x)}V${y(point.y)}` : `M${x(point.x)} ${y(point.y)}`).join('');
    svg.append(s('path', { class: 'front', d: steps + `H${frame.right}`, fill: 'none', stroke: css('--soft'), 'stroke-dasharray': '3 3' }));
    const taken = [];
    for (const point of [...points].sort((a, b) => a.y - b.y)) {
      const [px, py] = [x(point.x), y(point.y)];
      svg.append(s(point.isTeacher ? 'rect' : 'circle', point.isTeacher
        ? { x: px - 5, y: py - 5, width: 10, height: 10, fill: point.colour }
        : { cx: px, cy: py, r: 5, fill: point.colour, 'fill-opacity': front.includes(point) ? 1 : 0.45, stroke: point.colour },
        s('title', {}, `${point.name}: ${short(point.y)}, ${short(point.x)} ${unit}`)));
      const isLeft = px > (frame.left + frame.right) / 2;
      let at = py - 8;
      while (taken.some(other => other.isLeft === isLeft && Math.abs(other.at - at) < 12 && Math.abs(other.px - px) < 130)) at -= 12;
      taken.push({ at, px, isLeft });
      const name = point.name.length > 24 ? point.name.slice(0, 11) + '…' + point.name.slice(-11) : point.name;
      svg.append(s('text', { x: isLeft ? px - 9 : px + 9, y: at, 'text-anchor': isLeft ? 'end' : 'start' }, name));
    }
    svg.setAttribute('aria-label', t('note.pareto', { metric: capital(metricName(metric)) }));
  });
}

function show() {
  const root = document.documentElement;
  root.lang = state.lang === 'zh' ? 'zh-Hans' : 'en';
  const isDark = state.theme ? state.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = isDark ? 'dark' : 'light';
  types.clear();
  fits.length = 0;
  const other = state.lang === 'en' ? 'zh' : 'en';
  const title = data.kind === 'comparison' ? t('title.comparison') : data.title;
  document.title = data.kind === 'comparison' ? title : t('title.run', { name: data.title });
  document.getElementById('page').replaceChildren(h('main', {},
    h('header', {}, h('h1', {}, title), h('div', { class: 'tools' },
      h('button', { type: 'button', id: 'language', lang: other === 'zh' ? 'zh-Hans' : 'en', onclick: () => { state.lang = other; show(); } }, other === 'zh' ? '中文' : 'English'),
      h('button', { type: 'button', id: 'theme', onclick: () => { state.theme = isDark ? 'light' : 'dark'; show(); } }, t(isDark ? 'theme.light' : 'theme.dark')))),
    ...(data.kind === 'comparison' ? comparison() : [headSection(), curveSection(), planSection(), classSection(), confusionSection(),
      relationSection('class_relations', data.class_relations), calibrationSection(), rowSection(), attentionSection(),
      relationSection('row_relations', data.row_relations), factSection()]).flat().filter(Boolean),
    h('footer', {}, t(data.kind === 'comparison' ? 'footer.comparison' : 'footer', { version: data.potstill }))));
  for (const render of fits) render();
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { if (!state.theme) show(); });
show();
document.documentElement.dataset.ready = 'yes';
