// Rows where student and teacher disagree most, or which the model got wrong where it has no teacher.
function rowSection() {
  const rows = data.rows;
  if (!rows || !rows.items.length) return null;
  const hasTeacher = rows.items.some(row => row.teacher !== undefined);
  const agreement = data.data?.agreement;
  const filters = {
    all: () => true, lost: row => row.right === false && row.teacher_right === true,
    won: row => row.right === true && row.teacher_right === false, both: row => row.right === false && row.teacher_right === false,
  };
  const list = h('div', {});
  const more = h('button', { type: 'button', onclick: () => { state.shown += 20; show(); } }, t('rows.more'));
  const show = () => {
    const found = rows.items.filter(filters[state.filter]);
    list.replaceChildren(...found.slice(0, state.shown).map(rowCard));
    if (!found.length) list.append(h('p', { class: 'note' }, t('rows.none')));
    more.hidden = found.length <= state.shown;
  };
  const choice = hasTeacher && rows.items.some(row => row.right !== undefined) ? h('select', {
    'aria-label': t('rows.filter'), onchange: event => { state.filter = event.target.value; state.shown = 20; show(); },
  }, Object.keys(filters).map(name => h('option', { value: name, selected: name === state.filter },
    `${t('rows.filter.' + name)} (${rows.items.filter(filters[name]).length})`))) : null;
  show();
  return section(hasTeacher ? 'disagreement' : 'mistakes',
    agreement ? agreementBar(agreement) : null,
    h('div', { class: 'between' }, h('p', { class: 'note', style: 'margin:0' },
      t(hasTeacher ? 'note.rows.' + data.task.form : 'note.mistakes', { shown: rows.items.length, total: whole(rows.total) })), choice),
    list, h('p', { style: 'text-align:center;margin:8px 0 0' }, more));
}

// How many rows both models answer rightly, one of them, or none.
function agreementBar(counts) {
  const colour = colours();
  const all = counts.reduce((a, b) => a + b, 0);
  const parts = [['both', colour.soft], ['teacher', colour.teacher], ['student', colour.student], ['none', css('--bad')]];
  return h('div', { style: 'margin:4px 0 12px' },
    h('div', { style: 'display:flex;height:12px;border-radius:6px;overflow:hidden;gap:1px', role: 'img', 'aria-label': t('agreement.title') },
      parts.map(([name, tone], i) => counts[i] ? h('span', { style: `flex:${counts[i]};min-width:2px;background:${tone}`, title: t('agreement.' + name) }) : null)),
    h('div', { class: 'legend', style: 'margin-top:6px' }, parts.map(([name, tone], i) =>
      h('span', {}, key(tone), `${t('agreement.' + name)}: ${whole(counts[i])} (${percent(100 * counts[i] / all)})`))));
}

const sign = isRight => isRight === undefined ? null : h('span', { class: isRight ? 'good' : 'bad', title: t(isRight ? 'rows.right' : 'rows.wrong') }, isRight ? ' ✓' : ' ✗');
const chance = p => p === undefined ? null : ' ' + percent(100 * p);
const chip = (kind, name, value, ...more) => h('span', { class: 'chip ' + kind }, h('em', {}, name), h('b', { dir: 'auto' }, value), ...more);

function rowCard(row) {
  const form = data.task.form;
  const names = { gold: t('rows.gold'), student: studentName(), teacher: row.others ? t('role.teacher.number', { number: 1 }) : t('role.teacher') };
  const language = data.task.language;
  const head = h('div', { class: 'chips' }, h('span', { class: 'soft' }, '#' + row.index));
  // Further teachers, each with its number, its name and its answer.
  const others = (row.others ?? []).map((other, i) => other && { ...other, number: t('role.teacher.number', { number: i + 2 }), name: teacherNames()[i + 1] }).filter(Boolean);
  const otherChips = show => others.map(other => h('span', { class: 'chip teacher', title: other.name }, h('em', {}, other.number), h('b', { dir: 'auto' }, show(other.answer)), chance(other.p), sign(other.right)));
  const card = h('div', { class: 'row' }, head);
  const text = (content, more = {}) => h('p', { class: 'text', dir: 'auto', lang: language, ...more }, content);
  if (form === 'tags') {
    const said = h('div', { class: 'said' });
    const line = (kind, name, isRight, entities) => said.append(h('span', { class: kind }, name, sign(isRight)),
      h('div', { dir: 'auto', lang: language }, entityText(row.words, entities), row.cut ? ' …' : null));
    if (row.gold !== undefined) line('gold', names.gold, undefined, row.gold);
    if (row.teacher !== undefined) line('teacher', names.teacher, row.teacher_right, row.teacher);
    for (const other of others) line('teacher', other.number, other.right, other.answer);
    line('student', names.student, row.right, row.student);
    card.append(said);
    return card;
  }
  const show = value => Array.isArray(value) ? (value.length ? value.join(t('comma')) : t('rows.nothing')) : short(value);
  if (form === 'answers') {
    if (row.gold) head.append(chip('gold', names.gold, row.gold[0] || t('rows.nothing')));
    if (row.teacher) head.append(chip('teacher', names.teacher, row.teacher[0] || t('rows.nothing'), chance(row.p_teacher), sign(row.teacher_right)));
    head.append(...otherChips(answer => answer[0] || t('rows.nothing')));
    head.append(chip('student', names.student, row.student[0] || t('rows.nothing'), chance(row.p_student), sign(row.right)));
    card.append(text(h('b', {}, row.question)), text([row.cut?.[0] ? '… ' : null, markedPassage(row), row.cut?.[1] ? ' …' : null]));
    return card;
  }
  if (row.gold !== undefined) head.append(chip('gold', names.gold, show(row.gold)));
  if (row.teacher !== undefined) head.append(chip('teacher', names.teacher, show(row.teacher), chance(row.p_teacher), sign(row.teacher_right)));
  head.append(...otherChips(show));
  head.append(chip('student', names.student, show(row.student), chance(row.p_student), sign(row.right)));
  card.append(text(row.text));
  if (row.pair) card.append(text(row.pair));
  return card;
}

const teacherNames = () => data.models.filter(model => model.role === 'teacher').map(model => model.name);

// Words with their entities in colour; between Chinese or Japanese characters there is no space.
const tones = ['46, 134, 222', '214, 116, 20', '22, 150, 100', '178, 72, 170', '200, 60, 60', '120, 130, 30', '20, 150, 170', '120, 95, 200'];
const types = new Map();
function toneOf(type) {
  if (!types.has(type)) types.set(type, tones[types.size % tones.length]);
  return types.get(type);
}
const wide = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]/;
function entityText(words, entities) {
  const space = (a, b) => a === undefined || wide.test(a.slice(-1)) || wide.test(b[0] ?? '') ? '' : ' ';
  const starts = new Map(entities.map(entity => [entity[0], entity]));
  const nodes = [];
  for (let i = 0; i < words.length;) {
    nodes.push(space(words[i - 1], words[i]));
    const entity = starts.get(i);
    if (!entity || entity[1] <= i) { nodes.push(words[i++]); continue; }
    let inside = words[i];
    for (let j = i + 1; j < entity[1]; j++) inside += space(words[j - 1], words[j]) + words[j];
    nodes.push(h('mark', { style: `--tone:${toneOf(entity[2])}` }, inside, h('small', {}, entity[2])));
    i = entity[1];
  }
  return nodes;
}

// A passage in which the answers are marked; their ranges may overlap. Places count Unicode scalars.
function markedPassage(row) {
  const scalars = Array.from(row.passage);
  const kinds = ['gold', 'teacher', 'student'].filter(kind => row[kind + '_at']);
  const cuts = [...new Set([0, scalars.length, ...kinds.flatMap(kind => row[kind + '_at'])])].sort((a, b) => a - b);
  return cuts.slice(1).map((end, i) => {
    const start = cuts[i];
    const covering = kinds.filter(kind => row[kind + '_at'][0] <= start && end <= row[kind + '_at'][1]);
    const text = scalars.slice(start, end).join('');
    return covering.length ? h('span', { class: covering.map(kind => 'at-' + kind).join(' ') }, text) : text;
  });
}
