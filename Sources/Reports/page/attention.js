// Attention of teacher and student to the same row, side by side.
const levels = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_';

function attentionSection() {
  const rows = data.attention;
  if (!rows) return null;
  const at = { row: 0, pair: rows[0].pairs.length - 1, teacher: 'mean', student: 'mean' };
  const shown = sides().filter(side => rows[0][side.id]);
  const body = h('div', {});
  const choice = (name, values, selected, act) => h('select', { 'aria-label': name, onchange: event => { act(event.target.value); draw(); } },
    values.map(([value, text]) => h('option', { value, selected: String(value) === String(selected) }, text)));
  const draw = () => {
    const row = rows[at.row];
    const pair = row.pairs[at.pair];
    const item = data.rows?.items.find(item => item.index === row.index);
    const layers = pair => pair.teacher_layer ? t('attention.layers', { teacher: pair.teacher_layer, student: pair.student_layer })
      : t('plan.layer', { number: pair.student_layer });
    const cut = shown.find(side => row[side.id].total > row[side.id].tokens.length);
    body.replaceChildren(
      h('div', { class: 'choices' },
        choice(t('attention.row'), rows.map((row, i) => [i, '#' + row.index]), at.row, value => { at.row = Number(value); }),
        choice(t('attention.pair'), row.pairs.map((pair, i) => [i, layers(pair)]), at.pair, value => { at.pair = Number(value); }),
        pair.overlap !== undefined ? h('span', { class: 'note' }, t('attention.overlap', { share: percent(100 * pair.overlap) })) : null),
      item ? rowCard(item) : null,
      h('div', { class: 'grid broad', style: 'margin-top:8px' }, shown.map(side => {
        const maps = pair[side.id];
        const heads = [['mean', t('attention.mean', { count: maps.count })], ...maps.heads.map((_, i) => [i, t('attention.head', { number: i + 1 })])];
        return h('div', { class: 'attention' }, h('div', { class: 'between' },
          h('h3', {}, side.name + ' · ' + t('plan.layer', { number: pair[side.id + '_layer'] })),
          choice(t('attention.heads'), heads, at[side.id], value => { at[side.id] = value; })),
        attentionMap(row[side.id].tokens, maps.heads[at[side.id]] ?? maps.mean, side.colour, side.name));
      })),
      cut ? h('p', { class: 'note' }, t('note.attention.cut', { shown: cut && row[cut.id].tokens.length, total: whole(row[cut.id].total) })) : null);
    for (const render of fits) render();
  };
  draw();
  return section('attention', h('p', { class: 'note' }, t('note.attention')), body);
}

// A map: a line for each token that looks, a column for each that is looked at.
function attentionMap(tokens, text, colour, name) {
  const count = tokens.length;
  const label = token => { const letters = Array.from(token); return letters.length > 9 ? letters.slice(0, 8).join('') + '…' : token; };
  // Room for the longest name; a Chinese character is as wide as two letters.
  const room = Math.min(60, 10 + 6.2 * Math.max(...tokens.map(token => Array.from(label(token)).reduce((sum, letter) => sum + (wide.test(letter) ? 2 : 1), 0))));
  const cell = width => Math.max(5, Math.min(22, (width - room - 2) / count));
  return chart(width => Math.ceil(room + 4 + count * cell(width)), (svg, width, height, holder) => {
    const [left, top, size] = [room, room + 2, cell(width)];
    const font = Math.max(6.5, Math.min(11, size * 0.95));
    // One path a level of the scale, since single cells would be thousands of elements.
    const paths = new Map();
    Array.from(text).forEach((letter, place) => {
      const level = levels.indexOf(letter);
      if (level <= 0) return;
      const [x, y] = [left + (place % count) * size, top + Math.floor(place / count) * size];
      paths.set(level, (paths.get(level) ?? '') + `M${x.toFixed(1)} ${y.toFixed(1)}h${(size - 0.5).toFixed(1)}v${(size - 0.5).toFixed(1)}h-${(size - 0.5).toFixed(1)}z`);
    });
    svg.append(s('rect', { x: left, y: top, width: count * size, height: count * size, fill: 'none', stroke: css('--line') }));
    for (const [level, d] of paths) svg.append(s('path', { d, fill: colour, 'fill-opacity': (level / 63).toFixed(3) }));
    tokens.forEach((token, i) => {
      const middle = (i + 0.5) * size;
      svg.append(s('text', { x: left - 4, y: top + middle + font * 0.35, 'text-anchor': 'end', style: `font-size:${font}px` }, label(token)),
        s('text', { transform: `translate(${left + middle + font * 0.35} ${top - 4}) rotate(-90)`, style: `font-size:${font}px` }, label(token)));
    });
    svg.setAttribute('aria-label', `${name}: ${t('section.attention')}`);
    const tip = h('div', { class: 'tip' });
    svg.addEventListener('pointermove', event => {
      const box = svg.getBoundingClientRect();
      const [key, query] = [Math.floor((event.clientX - box.left - left) / size), Math.floor((event.clientY - box.top - top) / size)];
      if (key < 0 || query < 0 || key >= count || query >= count) return tip.remove();
      const share = (levels.indexOf(text[query * count + key]) / 63) ** 2;
      tip.replaceChildren(h('div', {}, h('span', {}, `${tokens[query]} → ${tokens[key]}`), h('b', {}, percent(100 * share))));
      tipAt(holder, tip, left + (key + 1) * size, width, Math.max(0, top + query * size - 30));
    });
    svg.addEventListener('pointerleave', () => tip.remove());
  });
}
