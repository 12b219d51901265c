import { expect } from 'chai';
import { parseEnvFile } from '../../src/config/env-file.ts';

const parse = (text: string) => parseEnvFile('.env', text);

describe('A .env file', () => {
  it('has variables with or without export, quotes, white space and comments', () => {
    const { values, lines, faults } = parse(
      [
        '# comment',
        '',
        'PORT=8080',
        'export HOST = 127.0.0.1  # comment',
        'ACME_KEY=a#b=c$d',
        'SINGLE=\'a "b" $c # d\'',
        'DOUBLE="a \'b\' \\"c\\" \\$d \\\\ e\\nf # g" # comment',
        'LINES="a',
        'b"',
        '  EMPTY=',
        'AFTER=x y ',
      ].join('\n'),
    );
    expect(faults).to.deep.equal([]);
    expect(values).to.deep.equal({
      PORT: '8080',
      HOST: '127.0.0.1',
      ACME_KEY: 'a#b=c$d',
      SINGLE: 'a "b" $c # d',
      DOUBLE: 'a \'b\' "c" $d \\ e\nf # g',
      LINES: 'a\nb',
      EMPTY: '',
      AFTER: 'x y',
    });
    expect(lines.get('AFTER')).to.equal(11);
  });

  it('may have a byte order mark and Windows line endings', () => {
    expect(parse('\uFEFFPORT=8080\r\nHOST="::1"\r\n').values).to.deep.equal({ PORT: '8080', HOST: '::1' });
  });

  for (const line of [
    'DATABASE_URL postgres://u:secret@h/d',
    'PORT: secret',
    'KEY="secret',
    "KEY='secret'x",
    '=secret',
    'A B=secret',
  ]) {
    it(`with an invalid line is refused with the number, not the text, of the line: ${line}`, () => {
      const { faults, values } = parse(`PORT=1\n${line}\nHOST=h`);
      expect(faults).to.deep.equal(['ENV_FILE: line 2 of .env is not NAME=value']);
      expect(values).to.deep.equal({ PORT: '1', HOST: 'h' });
    });
  }

  it('is refused if a variable has two values, but not if a line is repeated', () => {
    expect(parse('PORT=1\nHOST=h\nPORT=2').faults).to.deep.equal(['PORT: set twice in .env, lines 1 and 3']);
    expect(parse('PORT=1\nPORT=1').faults).to.deep.equal([]);
  });
});
