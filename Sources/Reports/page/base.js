'use strict';
// What every part of the page uses: its data and words, elements, numbers.
const data = JSON.parse(document.getElementById('data').textContent);
const words = JSON.parse(document.getElementById('words').textContent);
const options = new URLSearchParams(location.hash.slice(1));
const languages = ['en', 'zh'];
const state = {
  lang: languages.includes(options.get('lang')) ? options.get('lang')
    : (navigator.languages || [navigator.language || 'en']).find(x => /^(en|zh)/.test(x || ''))?.slice(0, 2) || 'en',
  theme: ['light', 'dark'].includes(options.get('theme')) ? options.get('theme') : null,
  filter: 'all', shown: 20,
};

// A sentence of the page in its language, with {names} filled in.
function t(key, values = {}) {
  const text = words[key]?.[state.lang];
  if (text === undefined) throw new Error('no words for ' + key);
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}
const known = key => key in words;
// The same with the names in bold.
const rich = (key, values) => t(key, new Proxy(values, { get: (from, name) => from[name] === undefined ? '' : `\u0001${from[name]}\u0001` }))
  .split('\u0001').map((part, i) => i % 2 ? h('b', {}, part) : part);

// Elements; a text is always a text, never markup.
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(3)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}
const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

// Numbers.
const locale = () => state.lang === 'zh' ? 'zh-CN' : 'en-US';
const digits = (value, least, most = least) =>
  value.toLocaleString(locale(), { minimumFractionDigits: least, maximumFractionDigits: most });
const whole = value => digits(value, 0);
const percent = value => digits(value, 1) + '\u00a0%';
// About four significant digits, as axes and tips show them.
function short(value) {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, exponent] = value.toExponential(2).split('e');
    return String(Number(mantissa)) + 'e' + Number(exponent);
  }
  return digits(value, 0, size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 4 : 5);
}
const megabytes = model => (model.bytes ?? 4 * model.parameters) / 1048576;
const mb = model => { const size = megabytes(model); return digits(size, size < 1000 ? 1 : 0); };
const times = value => digits(value, value < 10 ? 1 : 0) + '×';
function duration(seconds) {
  if (seconds < 100) return t('unit.seconds', { value: digits(seconds, 1) });
  if (seconds < 6000) return t('unit.minutes', { value: digits(seconds / 60, 1) });
  return t('unit.hours', { value: digits(seconds / 3600, 1) });
}
function amount(value) {
  if (state.lang === 'zh' && value >= 1e8) return digits(value / 1e8, 2) + '\u00a0亿';
  if (value >= 1e9) return digits(value / 1e9, 2) + '\u00a0B';
  if (state.lang === 'zh' && value >= 1e4) return digits(value / 1e4, value >= 1e6 ? 0 : 1) + '\u00a0万';
  if (value >= 1e6) return digits(value / 1e6, 1) + '\u00a0M';
  return whole(value);
}

// Scores: those of answers to questions are of 100, those of counts are shares, correlations are neither.
const errorMetrics = ['loss', 'mse', 'mae', 'perplexity'];
const isError = name => errorMetrics.some(end => name.endsWith(end));
const isShare = name => !isError(name) && !/pearson|spearman|matthews|corr/.test(name);
function inWords(name, value, form) {
  if (!isShare(name)) return digits(value, 4);
  return percent(form === 'answers' ? value : 100 * value);
}
const inTable = (value, form) => digits(value, form === 'answers' ? 2 : 4);
function metricName(name) {
  if (known('metric.' + name)) return t('metric.' + name);
  const type = /^(.*)_f1$/.exec(name);
  return type ? 'F1 ' + type[1] : name.replaceAll('_', ' ');
}
const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
const mainMetric = (task, models) => task.metrics.find(name => models.some(model => name in model.scores))
  ?? Object.keys(models[0]?.scores ?? {})[0];

const colours = () => ({
  student: css('--student'), teacher: css('--teacher'), baseline: css('--baseline'), gold: css('--gold'),
  soft: css('--soft'), line: css('--line'),
});
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Colours that stay apart on both backgrounds, for what has no colour of its own.
const series = index => {
  const hues = [205, 25, 285, 140, 335, 55, 180, 240, 95, 0];
  const dark = document.documentElement.dataset.theme === 'dark';
  const step = Math.floor(index / hues.length) % 3;
  return `hsl(${hues[index % hues.length]} ${dark ? 62 : 60}% ${(dark ? 68 : 42) + 8 * step}%)`;
};

function section(id, ...children) {
  return h('section', { id, 'aria-labelledby': id + '-title' },
    h('h2', { id: id + '-title' }, t('section.' + id)), ...children);
}
const key = colour => h('i', { class: 'key', style: 'background:' + colour });
