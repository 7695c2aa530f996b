import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proseOfCode, proseOfMarkdown } from './prose.ts';
import { englishFaults } from './rules.ts';

const textsOf = (source: string) => proseOfCode(source).map(({ line, text }) => `${line} ${text}`);
const wordsOf = (text: string) => englishFaults({ line: 1, text }).map(({ words }) => words);

test('comments and strings are read, code and module names are not', () => {
  const source = [
    "import { away } from './away.ts';",
    '/**',
    ' * The first line,',
    ' * and the second.',
    ' */',
    "const where = 'a string'; // a remark",
    'const escaped = "with \\" quotes";',
  ].join('\n');
  assert.deepEqual(textsOf(source), [
    '2 \nThe first line,\nand the second.\n',
    '6 a string',
    '6 a remark',
    '7 with \\" quotes',
  ]);
});

test('a template is one text, and so is each template inside it', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the source that is read.
  const source = 'f(`outer ${list.map((x) => { return `inner ${x}`; })} end`, "after");';
  assert.deepEqual(textsOf(source), ['1 outer {…} end', '1 inner {…}', '1 after']);
});

test('a regular expression is not text, a division is not a regular expression', () => {
  assert.deepEqual(textsOf("const r = /'[/\"]`/g; const half = a / 2; f('text', b / c, 'more');"), [
    '1 text',
    '1 more',
  ]);
});

test('code in Markdown is not read', () => {
  const source = 'Text `is away` here.\n\n```sh\nis away\n```\n\n    is away\n\nThe end is away.\n';
  assert.deepEqual(
    proseOfMarkdown(source)
      .flatMap(englishFaults)
      .map(({ line }) => line),
    [9],
  );
});

test('phrases that read as translated are found, over line breaks too', () => {
  const refused: [text: string, words: string][] = [
    ['Undefined where a text is not UTF-8.', 'Undefined where'],
    ['A reply where it is missing.', 'where it is missing'],
    ['It fails where nobody listens.', 'fails where'],
    ['A database that is\naway is waited for.', 'is away'],
    ['Requests at work.', 'at work'],
    ['So many are left.', 'So many'],
    ['The sender tells who has it.', 'who has it'],
    ['Whoever asks gets an answer.', 'Whoever'],
    ['A message may have 4 MiB.', 'may have 4'],
    ['it is no whole number', 'is no whole'],
    ['Bytes are kept as they are.', 'as they are'],
    ['Nothing that was there, is lost.', 'was there'],
  ];
  for (const [text, words] of refused) assert.deepEqual(wordsOf(text), [words], text);
});

test('the same words in plain use pass', () => {
  const allowed = [
    'The offset where the log ends.',
    'Heads are closed where the log says so.',
    'SELECT id FROM blocks WHERE tenant = $1',
    'So that it fits.',
    'It is no longer needed.',
    'There is no gap.',
    'It continues where it stopped.',
    'Which, and where?',
    'as they are read',
    'It has its reasons.',
  ];
  for (const text of allowed) assert.deepEqual(wordsOf(text), [], text);
});

test('a fault names the line of its words', () => {
  assert.equal(englishFaults({ line: 10, text: 'One.\nTwo.\nIt is away.' })[0].line, 12);
});
