// Graphs of relations as teacher and student see them, with the edges that the student changed most.
function relationSection(id, graph) {
  if (!graph) return null;
  const shown = sides().filter(side => graph.places[side.id]);
  const marks = graph.edges.filter(edge => edge[4] !== null).sort((a, b) => a[4] - b[4]);
  const names = [...new Set(graph.nodes.map(node => node[1]).filter(name => name !== null))];
  const colour = node => node[1] === null ? colours().soft : series(names.indexOf(node[1]));
  // Both pictures have one scale.
  const reach = [0, 1].map(axis => Math.max(1e-9, ...shown.flatMap(side => graph.places[side.id].map(place => Math.abs(place[axis])))));
  const pictures = shown.map((side, i) => h('div', {}, h('h3', { style: 'color:' + side.colour }, side.name),
    relationChart(graph, graph.places[side.id], reach, side.id === 'teacher' ? 3 : 2, colour)));
  const legends = id === 'row_relations' && names.length > 1 && names.length <= 10
    ? names.map(name => h('span', {}, key(series(names.indexOf(name))), name)) : [];
  const change = edge => edge[2] - edge[3];
  const sign = value => (value < 0 ? '−' : '+') + digits(Math.abs(value), 3);
  return section(id,
    h('p', { class: 'note' }, [t(`note.${id}`), t('relation.vectors.' + graph.vectors), graph.total > graph.nodes.length
      ? t('note.relations.part', { shown: graph.nodes.length, total: whole(graph.total) }) : ''].join(state.lang === 'zh' ? '' : ' ')),
    h('div', { class: 'grid', style: 'margin-top:8px' }, pictures),
    legends.length || marks.length ? h('div', { class: 'legend' }, legends, marks.some(edge => change(edge) < 0) ? h('span', {}, h('i', { class: 'line', style: 'border-color:' + css('--bad') }), t('relation.closer')) : null,
      marks.some(edge => change(edge) > 0) ? h('span', {}, h('i', { class: 'line', style: 'border-color:' + css('--good') }), t('relation.farther')) : null) : null,
    marks.length ? h('div', { class: 'scroll', style: 'margin-top:10px' }, h('table', { class: 'full' },
      h('thead', {}, h('tr', {}, h('th', {}, t('relation.between')), h('th', {}, t('role.teacher')), h('th', {}, studentName()), h('th', {}, t('class.difference')))),
      h('tbody', {}, marks.map(edge => h('tr', {}, h('th', { scope: 'row', class: 'name', dir: 'auto' }, t('relation.pair', { first: graph.nodes[edge[0]][0], second: graph.nodes[edge[1]][0] })),
        h('td', {}, digits(edge[3], 3)), h('td', {}, digits(edge[2], 3)), h('td', { class: change(edge) < 0 ? 'bad' : 'good' }, sign(change(edge)))))))) : null,
    [...new Set(marks.flatMap(edge => edge.slice(0, 2)))].map(i => graph.nodes[i]).filter(node => node[3]).map((node, i) =>
      h('p', { class: 'said-row', dir: 'auto', lang: data.task.language, style: i ? null : 'margin-top:10px' }, h('b', {}, node[0]), ' ', node[3])),
    shown.length > 1 && !marks.length ? h('p', { class: 'note' }, t('relation.same')) : null);
}

// One graph: a line is the stronger the nearer its nodes are. Of rows and of many classes those of the marked edges have their names beside them.
function relationChart(graph, places, reach, distance, colour) {
  const isLarge = graph.subject === 'rows' || graph.nodes.length > 12;
  const scaled = width => Math.min((width - (isLarge ? 60 : 150)) / 2 / reach[0], 150 / reach[1]);
  return chart(width => Math.round((isLarge ? 110 : 60) + 2 * reach[1] * scaled(width)), (svg, width, height) => {
    const unit = scaled(width);
    const named = new Set(graph.edges.filter(edge => edge[4] !== null).flatMap(edge => edge.slice(0, 2)));
    const points = places.map(([x, y]) => [width / 2 + x * unit, height / 2 - y * unit]);
    const far = Math.max(1e-9, ...graph.edges.flatMap(edge => [edge[2], edge[3] ?? 0]));
    const isWritten = graph.edges.length <= 6;
    const order = [...graph.edges].sort((a, b) => (a[4] === null ? 0 : 1) - (b[4] === null ? 0 : 1));
    const numbers = [];
    for (const edge of order) {
      const [a, b, value] = [points[edge[0]], points[edge[1]], edge[distance]];
      const isMarked = edge[4] !== null;
      const tone = !isMarked ? css('--soft') : edge[2] < edge[3] ? css('--bad') : css('--good');
      svg.append(s('line', { x1: a[0], y1: a[1], x2: b[0], y2: b[1], stroke: tone, 'stroke-width': isMarked ? 2.4 : 1.2,
        'stroke-opacity': isMarked ? 0.9 : (0.2 + 0.6 * (1 - value / far)).toFixed(3) },
      s('title', {}, `${t('relation.pair', { first: graph.nodes[edge[0]][0], second: graph.nodes[edge[1]][0] })}: ${short(value)}`)));
      if (isWritten || isMarked && !isLarge) numbers.push([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, digits(value, 2)]);
    }
    points.forEach(([x, y], i) => {
      const node = graph.nodes[i];
      svg.append(s('circle', { cx: x, cy: y, r: 6, fill: colour(node), stroke: css('--card'), 'stroke-width': 1.5 },
        s('title', {}, [node[0], node[1] !== node[0] ? node[1] : null, node[2] === null ? null : t('lengths.rows', { count: whole(node[2]) }), node[3]].filter(Boolean).join('\n'))));
    });
    for (const [x, y, text] of numbers) {
      svg.append(s('text', { class: 'halo', x, y: y - 5, 'text-anchor': 'middle' }, text));
    }
    // Names stand beside their nodes, outwards, of many nodes above or below, and move apart where they would lie on each other.
    const taken = isLarge ? points.map(([x, y]) => ({ at: y + 4, from: x - 7, to: x + 7 })) : [];
    points.map(([x, y], i) => ({ x, y, i })).filter(node => !isLarge || named.has(node.i)).sort((a, b) => a.y - b.y).forEach(({ x, y, i }) => {
      const letters = Array.from(graph.nodes[i][0]);
      const text = letters.length > 14 ? letters.slice(0, 13).join('') + '…' : letters.join('');
      const length = text.length * (wide.test(text) ? 12 : 7);
      const from = isLarge ? Math.max(0, Math.min(width - length, x - length / 2)) : x < width / 2 ? x - 10 - length : x + 10;
      const isFree = at => at < height - 2 && !taken.some(other => Math.abs(other.at - at) < 13 && from < other.to && other.from < from + length);
      const steps = Array.from({ length: 120 }, (_, k) => y + 4 + (k % 2 ? -1 : 1) * Math.ceil(k / 2) * 3).filter(at => at > 10);
      const at = steps.find(isFree) ?? y + 4;
      taken.push({ at, from, to: from + length });
      if (isLarge) svg.append(s('line', { class: 'leader', x1: x, y1: y, x2: from + length / 2, y2: at < y ? at + 2 : at - 11 }));
      svg.append(s('text', { class: 'halo strong', x: from + (isLarge ? length / 2 : x < width / 2 ? length : 0), y: at, 'text-anchor': isLarge ? 'middle' : x < width / 2 ? 'end' : 'start' }, text));
    });
    svg.setAttribute('aria-label', graph.nodes.map(node => node[0]).join(', '));
  });
}
