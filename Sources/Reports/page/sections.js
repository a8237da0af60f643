// Sections of the page of one run.
const sides = () => {
  const colour = colours();
  return [{ id: 'teacher', name: t('role.teacher'), colour: colour.teacher }, { id: 'student', name: studentName(), colour: colour.student }];
};
const studentName = () => t(data.models?.some(model => model.role === 'teacher') ? 'role.student' : 'role.model');

// A table of models; on narrow screens the models are its columns.
function modelTable(models, metrics, form) {
  const first = models.find(model => model.role === 'teacher' && model.parameters);
  const cells = [
    ...metrics.map(name => [capital(metricName(name)), model => name in model.scores ? inTable(model.scores[name], form) : '–']),
    [t('table.layers'), model => model.layers ?? '–'],
    [t('table.parameters'), (model, isNarrow) => model.parameters ? (isNarrow ? amount : whole)(model.parameters) : '–'],
    ['MB', model => model.parameters ? mb(model) : '–'],
    [t('table.speed'), model => model.samples_per_second ? whole(model.samples_per_second) : '–'],
    [t('table.latency'), model => model.latency_ms ? digits(model.latency_ms, 2) : '–'],
  ].filter(([, cell]) => models.some(model => cell(model) !== '–'));
  if (first?.samples_per_second && models.length > 1) {
    cells.push([t('table.faster'), model => model.samples_per_second ? times(model.samples_per_second / first.samples_per_second) : '–']);
  }
  const wide = h('table', { class: 'full' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t('table.model')), cells.map(([name]) => h('th', { scope: 'col' }, name)))),
    h('tbody', {}, models.map(model => h('tr', { class: model.own ? 'own' : null },
      h('th', { scope: 'row', class: 'name' }, label(model)), cells.map(([, cell]) => h('td', {}, cell(model)))))));
  const narrow = h('table', { class: 'full narrow' },
    h('thead', {}, h('tr', {}, h('th', {}), models.map(model => h('th', { scope: 'col', class: model.own ? 'own' : null, title: label(model) }, model.short ?? label(model))))),
    h('tbody', {}, cells.map(([name, cell]) => h('tr', {}, h('th', { scope: 'row' }, name),
      models.map(model => h('td', { class: model.own ? 'own' : null }, cell(model, true)))))));
  const box = h('div', { class: 'scroll' });
  fit(box, () => {
    const chosen = box.clientWidth < 620 && models.length <= 4 ? narrow : wide;
    if (box.firstChild !== chosen) box.replaceChildren(chosen);
  });
  return box;
  function label(model) { return model.label ?? t('role.' + (model.role === 'student' && !first ? 'model' : model.role)); }
}

function headSection() {
  const { models, task, counts } = data;
  const of = role => models.find(model => model.role === role);
  const [student, teacher, baseline] = [of('student'), of('teacher'), of('baseline')];
  const metric = student && mainMetric(task, models);
  const score = model => model && metric in model.scores ? model.scores[metric] : undefined;
  const [own, other] = [score(student), score(teacher)];
  const many = models.filter(model => model.role === 'teacher');
  const sentences = [rich('lead.' + (data.method === 'fine-tuning' && !teacher ? 'trained' : data.method), {
    name: data.title, teacher: many.map(model => model.name).join(t('and')), task: task.name, base: data.base ?? '',
  })];
  if (own !== undefined) {
    const value = inWords(metric, own, task.form);
    sentences.push(other !== undefined && !isError(metric) && other > 0
      ? t(many.length > 1 ? 'lead.score.teachers' : 'lead.score.teacher', { metric: metricName(metric), value, other: inWords(metric, other, task.form), share: percent(100 * own / other) })
      : t('lead.score', { metric: metricName(metric), value }));
    const alone = score(baseline);
    if (alone !== undefined) {
      const gain = isShare(metric) ? (task.form === 'answers' ? 1 : 100) * (own - alone) : own - alone;
      const isLess = gain < 0 && isShare(metric);
      sentences.push(t(isLess ? 'lead.baseline.less' : isShare(metric) ? 'lead.baseline' : 'lead.baseline.plain', {
        value: inWords(metric, alone, task.form), gain: (isLess ? '' : gain >= 0 ? '+' : '−') + digits(Math.abs(gain), isShare(metric) ? 1 : 4),
      }));
    }
  }
  sentences.push(t(data.method === 'pretraining' ? 'lead.pretraining.rows' : counts.labelled < counts.train ? 'lead.rows.some' : 'lead.rows', {
    train: whole(counts.train), labelled: whole(counts.labelled), validation: whole(counts.validation),
  }));
  if (data.other_tasks?.length) sentences.push(t('lead.others', { tasks: data.other_tasks.join(t('comma')) }));
  const tiles = [];
  const tile = (value, name) => tiles.push(h('div', { class: 'tile' }, h('b', {}, value), h('span', {}, name)));
  if (own !== undefined) tile(inWords(metric, own, task.form), capital(metricName(metric)));
  if (own !== undefined && other > 0 && !isError(metric)) tile(percent(100 * own / other), t('tile.kept'));
  if (teacher?.parameters && student?.parameters) tile(times(teacher.parameters / student.parameters), t('tile.smaller'));
  if (teacher?.samples_per_second && student?.samples_per_second) tile(times(student.samples_per_second / teacher.samples_per_second), t('tile.faster'));
  if (student?.latency_ms) tile(digits(student.latency_ms, 2) + '\u00a0ms', t('tile.latency'));
  if (student?.parameters && !teacher?.parameters) tile(amount(student.parameters), t('table.parameters'));
  const order = { teacher: 0, baseline: 1, student: 2 };
  const rows = [...models].sort((a, b) => order[a.role] - order[b.role]).map(model => ({ ...model, own: model.role === 'student',
    short: many.length > 1 && model.role === 'teacher' ? t('role.teacher.number', { number: many.indexOf(model) + 1 }) : undefined }))
    .map(model => ({ ...model, label: model.short ? `${model.short}: ${model.name}` : undefined }));
  return [
    h('p', { class: 'lead' }, sentences.flatMap(sentence => [sentence, state.lang === 'zh' ? '' : ' '])),
    task.summary ? h('p', { class: 'note' }, task.name + ': ' + task.summary) : null,
    tiles.length ? h('div', { class: 'tiles' }, tiles) : null,
    rows.length ? section('models', modelTable(rows, shownMetrics(task, models), task.form)) : null,
  ];
}
const shownMetrics = (task, models) => {
  const named = task.metrics.filter(name => models.some(model => name in model.scores));
  return (named.length ? named : Object.keys(models[0]?.scores ?? {})).slice(0, 4);
};

// Names of the parts of a loss: 'unweighted_hidden_hidden_mse_1_2' compares the student's layer 1 with the teacher's 2.
function partName(name) {
  const plain = name.replace(/^unweighted_/, '');
  if (known('part.' + plain)) return t('part.' + plain);
  const match = /^(?:hidden|attention|self_attention)_(.+?)_(\d+)_(\d+)$/.exec(plain);
  return match ? `${match[1]} S${match[2]}–T${match[3]}` : plain.replaceAll('_', ' ');
}

function curveSection() {
  const curves = data.curves ?? [];
  if (!curves.length) return null;
  const colour = colours();
  const stages = ['features', 'student', 'baseline'];
  const called = part => t(part === 'student' ? (data.models.some(model => model.role === 'teacher') ? 'role.student' : 'role.model') : 'part_of.' + part);
  const of = chartName => stages.flatMap(part => curves.filter(curve => curve.chart === chartName && curve.part === part));
  const several = list => new Set(list.map(curve => curve.part)).size > 1;
  const charts = [];
  const add = (id, lines, more) => { if (lines.length) charts.push(h('div', { id: 'curve-' + id }, h('h3', {}, t('curve.' + id)), lineChart(lines, more),
    more?.note ? h('p', { class: 'note' }, more.note) : null)); };
  // The loss of a distillation is another than that on the labels of the validation rows.
  const lossLines = (list, isNamed) => list.map(curve => ({
    name: isNamed ? t(curve.name === 'loss' ? 'curve.train' : 'curve.validation') + (several(list) ? ` (${called(curve.part)})` : '') : called(curve.part),
    points: curve.points, dash: isNamed && curve.name !== 'loss',
    colour: curve.part === 'student' ? colour.student : curve.part === 'baseline' ? colour.baseline : series(5),
  }));
  if (data.method === 'fine-tuning') add('loss', lossLines(of('loss'), true));
  else {
    add('loss', lossLines(of('loss').filter(curve => curve.name === 'loss' && curve.part !== 'baseline'), false));
    add('eval_loss', lossLines(of('loss').filter(curve => curve.name !== 'loss'), false));
  }
  for (const part of stages) {
    const parts = curves.filter(curve => curve.chart === 'parts' && curve.part === part);
    if (!parts.length || part === 'baseline') continue;
    add('parts', parts.map((curve, i) => ({ name: partName(curve.name), points: curve.points, colour: series(i) })),
      { yName: several(of('parts').filter(x => x.part !== 'baseline')) ? called(part) : undefined,
        note: parts.some(curve => /_\d+_\d+$/.test(curve.name)) ? t('note.parts') : undefined });
  }
  const scores = of('scores');
  const names = [...new Set(scores.map(curve => curve.name))];
  const wanted = data.task.metrics.filter(name => names.includes(name));
  const chosen = (wanted.length ? wanted : names).slice(0, 4);
  add('scores', chosen.flatMap((name, i) => scores.filter(curve => curve.name === name).map(curve => ({
    name: metricName(name) + (several(scores) ? ` (${called(curve.part)})` : ''), points: curve.points, dash: curve.part === 'baseline',
    colour: curve.part === 'baseline' ? (i ? series(i + 4) : colour.baseline) : i ? series(i) : colour.student,
  }))), { format: value => digits(value, 0, data.task.form === 'answers' ? 2 : 4), percent: data.task.form !== 'answers' });
  const single = (id, more) => {
    const list = of(id).filter(curve => curve.part !== 'baseline');
    add(id, list.map(curve => ({ name: called(curve.part), points: curve.points, colour: curve.part === 'student' ? colour.student : series(5) })), more);
  };
  single('learning_rate', { linear: true });
  single('grad_norm');
  return section('curves', h('p', { class: 'note' }, t('note.curves')), h('div', { class: 'grid', style: 'margin-top:8px' }, charts));
}

// The plan as a picture: both stacks with the matches between their layers.
function planSection() {
  const plan = data.plan;
  if (!plan) return null;
  const colour = colours();
  const losses = [];
  for (const stage of plan.stages) for (const match of stage.matches) if (!losses.includes(match.loss)) losses.push(match.loss);
  const tone = loss => series([0, 1, 3, 4, 5, 7, 8][losses.indexOf(loss) % 7]);
  const rows = Math.max(plan.teacher.layers, plan.student.layers) + 2;
  const gap = Math.max(18, Math.min(30, 560 / rows));
  const body = chart(rows * gap + 40, (svg, width, height) => {
    const box = Math.max(86, Math.min(190, width * 0.28));
    const [top, bottom] = [30, height - 12];
    const stack = (model, x, fill, name) => {
      const count = model.layers + 2;
      const room = (bottom - top) / count;
      const place = index => bottom - room * (index + 0.5);
      svg.append(s('text', { class: 'strong', x: x + box / 2, y: 16, 'text-anchor': 'middle' }, name));
      for (let index = 0; index < count; index++) {
        const size = Math.min(room - 4, 26);
        const text = index === 0 ? t('plan.embeddings') : index === count - 1 ? t('plan.head') : t('plan.layer', { number: index });
        svg.append(s('rect', { x, y: place(index) - size / 2, width: box, height: size, rx: 4, fill, 'fill-opacity': index === 0 || index === count - 1 ? 0.1 : 0.2, stroke: fill, 'stroke-opacity': 0.6 }),
          s('text', { x: x + box / 2, y: place(index) + 4, 'text-anchor': 'middle', 'font-size': Math.min(11.5, size) }, text));
      }
      return place;
    };
    const [left, right] = [1 + box, width - box - 1];
    const teacher = stack(plan.teacher, 1, colour.teacher, t('role.teacher'));
    const student = stack(plan.student, right, colour.student, t('role.student'));
    const bend = (a, b) => `M${left} ${a}C${left + (right - left) * 0.4} ${a} ${left + (right - left) * 0.6} ${b} ${right} ${b}`;
    const line = (a, b, attributes, title) => svg.append(s('path', { d: bend(a, b), fill: 'none', ...attributes }, s('title', {}, title)));
    (plan.theseus ?? []).forEach((block, index) => {
      if (block.length !== 2) return;
      const [a, b] = [teacher(block[0]) + gap / 2 - 3, teacher(block[1]) - gap / 2 + 3];
      const at = student(index + 1);
      svg.append(s('path', { d: `M${left} ${a}L${right} ${at + 6}L${right} ${at - 6}L${left} ${b}Z`, fill: colour.student, 'fill-opacity': 0.12, stroke: colour.student, 'stroke-opacity': 0.5 },
        s('title', {}, t('plan.theseus', { student: index + 1, first: block[0], last: block[1] }))));
    });
    (plan.copied ?? []).forEach((from, index) => line(teacher(from), student(index + 1) + 5,
      { stroke: colour.soft, 'stroke-width': 1.2, 'stroke-dasharray': '2 4' }, t('plan.copied.one', { student: index + 1, teacher: from })));
    const places = (side, layers, place, count) => Array.isArray(layers) ? layers.map(place)
      : layers === 'all' ? [place((count + 1) / 2)] : [place(count + 1)];
    for (const stage of plan.stages) for (const match of stage.matches) {
      const ends = [places('T', match.teacher, teacher, plan.teacher.layers), places('S', match.student, student, plan.student.layers)];
      const title = `${match.loss} × ${short(match.weight ?? 1)}: ${where(match.teacher)} → ${where(match.student)}${match.projection ? ', ' + match.projection : ''}`;
      if (match.teacher === 'all' && match.student === 'all') {
        const [low, high] = [[teacher(1) + 8, teacher(plan.teacher.layers) - 8], [student(1) + 8, student(plan.student.layers) - 8]];
        svg.append(s('path', { d: `M${left} ${low[0]}L${right} ${high[0]}L${right} ${high[1]}L${left} ${low[1]}Z`, fill: tone(match.loss), 'fill-opacity': 0.13 }, s('title', {}, title)));
        continue;
      }
      // Matches of the same layers lie side by side.
      const shift = 3.5 * (losses.indexOf(match.loss) - (losses.length - 1) / 2);
      ends[0].forEach((a, i) => line(a + shift, ends[1][Math.min(i, ends[1].length - 1)] + shift,
        { stroke: tone(match.loss), 'stroke-width': 2, 'stroke-opacity': 0.9 }, title));
    }
    const kd = plan.stages.find(stage => stage.kd.weight > 0)?.kd;
    if (kd && !plan.theseus) {
      line(teacher(plan.teacher.layers + 1), student(plan.student.layers + 1), { stroke: colour.student, 'stroke-width': 3 }, t('plan.kd', kd));
      svg.append(s('text', { class: 'strong', x: (left + right) / 2, y: teacher(plan.teacher.layers + 1) - 8, 'text-anchor': 'middle' },
        right - left > 190 ? `KD: ${kd.loss}, T = ${short(kd.temperature)}, × ${short(kd.weight)}` : `T = ${short(kd.temperature)}`));
    }
    svg.setAttribute('aria-label', t('section.plan'));
  });
  const where = layers => Array.isArray(layers) ? layers.map(x => x === 0 ? t('plan.embeddings') : t('plan.layer', { number: x })).join(t('comma')) : layers === 'all' ? t('plan.all') : layers;
  const size = (role, model) => t('plan.size', { role: t(role), name: model.name, layers: model.layers, hidden: model.hidden, parameters: amount(model.parameters) });
  const lines = losses.map(loss => {
    const found = plan.stages.flatMap(stage => stage.matches).filter(match => match.loss === loss);
    const weights = [...new Set(found.map(match => match.weight ?? 1))];
    return { name: `${loss}: ${t('plan.matches', { count: found.length })}${weights.length === 1 ? ', × ' + short(weights[0]) : ''}`, colour: tone(loss) };
  });
  if (plan.copied?.length) lines.push({ name: t('plan.copied'), colour: colour.soft, dash: true });
  if (plan.stages.some(stage => stage.kd.weight > 0) && !plan.theseus) lines.unshift({ name: t('plan.predictions'), colour: colour.student });
  const labels = plan.stages[plan.stages.length - 1].labels;
  return section('plan',
    h('p', { class: 'note' }, [size('role.teacher', plan.teacher), size('role.student', plan.student), labels > 0 ? t('plan.labels', { weight: short(labels) }) : t('plan.nolabels'), plan.stages.length > 1 ? t('plan.stages') : ''].join(state.lang === 'zh' ? '' : ' ')),
    body, legend(lines));
}

function classSection() {
  const classes = data.data?.classes;
  if (!classes) return null;
  const hasTeacher = classes.rows.some(row => row.length > 2);
  const cell = value => digits(value, 3);
  const change = value => Math.abs(value) < 0.0005 ? h('td', { class: 'soft' }, cell(0))
    : h('td', { class: value < 0 ? 'bad' : 'good' }, (value < 0 ? '−' : '+') + cell(Math.abs(value)));
  const note = classes.total > classes.rows.length ? h('p', { class: 'note' }, t('note.classes', { shown: classes.rows.length, total: whole(classes.total) })) : null;
  return section('classes', note, h('div', { class: 'scroll' }, h('table', { class: 'full' },
    h('thead', {}, h('tr', {}, h('th', {}, t(data.task.form === 'tags' ? 'class.entity' : 'class.label')), h('th', {}, t('class.support')),
      h('th', { class: 'wide' }, t('class.precision')), h('th', { class: 'wide' }, t('class.recall')), h('th', {}, 'F1'),
      hasTeacher ? [h('th', { class: 'wide' }, t('class.teacher')), h('th', {}, t('class.difference'))] : null)),
    h('tbody', {}, classes.rows.map(([name, own, other]) => h('tr', {}, h('th', { scope: 'row', class: 'name', dir: 'auto' }, name), h('td', {}, whole(own[3])),
      h('td', { class: 'wide' }, cell(own[0])), h('td', { class: 'wide' }, cell(own[1])), h('td', { class: 'own' }, cell(own[2])),
      hasTeacher ? [h('td', { class: 'wide' }, cell(other[2])), change(own[2] - other[2])] : null))))));
}

function confusionSection() {
  const found = data.data?.confusion;
  if (!found) return null;
  const [isSmall, isUpright] = [found.labels.length > 10, found.labels.length > 4];
  const matrix = (counts, name, tone) => {
    const table = h('table', { class: 'matrix' + (isSmall ? ' small' : isUpright ? ' upright' : '') },
      h('thead', {}, h('tr', {}, h('th', {}), found.labels.map(label => h('th', { scope: 'col', title: label, dir: 'auto', class: wide.test(label) ? 'cjk' : null }, label)))),
      h('tbody', {}, counts.map((row, gold) => {
        const all = row.reduce((a, b) => a + b, 0);
        return h('tr', {}, h('th', { scope: 'row', title: found.labels[gold], dir: 'auto' }, found.labels[gold]), row.map((count, said) => {
          const share = all ? count / all : 0;
          return h('td', { style: `background: rgba(var(${tone}), ${count ? (0.08 + 0.8 * share).toFixed(3) : 0})` + (share > 0.6 ? ';color:var(--card)' : ''),
            title: t('matrix.cell', { gold: found.labels[gold], said: found.labels[said], count: whole(count), share: percent(100 * share) }) }, isSmall ? '' : whole(count));
        }));
      })));
    return h('div', {}, h('h3', {}, name), h('div', { class: 'scroll' }, table));
  };
  return section('confusion', h('p', { class: 'note' }, t('note.confusion'),
    found.total > found.labels.length ? ' ' + t('note.confusion.part', { shown: found.labels.length, total: whole(found.total) }) : ''),
    h('div', { class: found.labels.length > 10 ? 'grid broad' : 'grid', style: 'margin-top:8px' }, matrix(found.student, studentName(), '--heat'),
      found.teacher ? matrix(found.teacher, t('role.teacher'), '--heat-teacher') : null));
}

function calibrationSection() {
  const { calibration, lengths, numbers } = data.data ?? {};
  const parts = [];
  if (calibration) {
    const sets = sides().filter(side => calibration[side.id]).map(side => ({
      colour: side.colour, name: `${side.name}: ECE ${digits(calibration[side.id].ece, 3)}`, points: calibration[side.id].bins,
      label: ([confidence, accuracy, count]) => t('calibration.point', { confidence: percent(100 * confidence), accuracy: percent(100 * accuracy), count: whole(count) }),
    }));
    parts.push(h('div', { id: 'calibration' }, h('h3', {}, t('calibration.title')), squareChart(sets, { xName: t('axis.confidence'), yName: t('axis.accuracy'), joined: true }),
      h('p', { class: 'note' }, t('note.calibration'))));
  }
  if (numbers) {
    const all = numbers.flat();
    const sets = sides().map((side, i) => ({ ...side, points: numbers.map(row => [row[0], i === 0 ? row[2] : row[1]]).filter(point => point[1] !== undefined),
      label: point => `${short(point[0])} → ${short(point[1])}` })).filter(set => set.points.length);
    parts.push(h('div', { id: 'numbers' }, h('h3', {}, t('numbers.title')), squareChart(sets, { low: Math.min(...all), high: Math.max(...all), xName: t('axis.gold'), yName: t('axis.predicted') })));
  }
  if (lengths) {
    const names = sides().filter((side, i) => lengths.some(group => group[i === 0 ? 4 : 3] !== null));
    const groups = lengths.map(([from, to, count, own, other]) => ({ name: from === to ? whole(from) : `${whole(from)}–${whole(to)}`, note: t('lengths.rows', { count: amount(count) }),
      values: names.map(side => side.id === 'teacher' ? other : own) }));
    parts.push(h('div', { id: 'lengths' }, h('h3', {}, t('lengths.title.' + data.task.form)), barChart(groups, names, value => digits(value, 0, 2)),
      h('p', { class: 'note' }, t('lengths.note.' + data.task.form))));
  }
  return parts.length ? section('calibration_lengths', h('div', { class: 'grid' }, parts)) : null;
}

function factSection() {
  const { results, machine } = data;
  const facts = [];
  const add = (name, value) => facts.push(h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value)));
  const number = name => results[name];
  if (number('train_runtime') !== undefined) add(t('fact.train_runtime'), duration(number('train_runtime')));
  if (number('train_steps') !== undefined) add(t('fact.train_steps'), whole(number('train_steps')));
  if (number('epoch') !== undefined) add(t('fact.epoch'), digits(number('epoch'), 0, 2));
  if (number('train_samples_per_second') !== undefined) add(t('fact.train_samples_per_second'), whole(number('train_samples_per_second')));
  if (number('train_tokens_per_second') !== undefined) add(t('fact.train_tokens_per_second'), whole(number('train_tokens_per_second')));
  if (number('peak_rss_mb') !== undefined) add(t('fact.peak_rss_mb'), whole(number('peak_rss_mb')) + '\u00a0MB');
  if (machine) {
    add(t('fact.processor'), machine.processor);
    add(t('fact.threads'), t('fact.threads.of', { threads: machine.threads, processors: machine.processors }));
    add(t('fact.memory'), digits(machine.memory_bytes / 2 ** 30, 1) + '\u00a0GiB');
  }
  add('Potstill', data.potstill);
  return section('facts', h('table', { class: 'facts' }, h('tbody', {}, facts)),
    data.recipe ? h('details', { style: 'margin-top:10px' }, h('summary', {}, t('fact.recipe')), h('pre', { dir: 'ltr' }, data.recipe)) : null);
}
