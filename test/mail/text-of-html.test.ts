import { expect } from 'chai';
import { textOfHtml } from '../../src/mail/text-of-html.ts';

describe('textOfHtml', () => {
  it('keeps paragraphs, lists, table rows and links, and leaves out images, scripts and the head', () => {
    const html = `<html><head><title>T</title><style>p{color:red}</style></head><body><h1>Hello Ada</h1>
      <p>Grüße &amp; <a href="https://example.com/a?b=1&amp;c=2">your invoice</a>, or <a href="mailto:x@example.com">write</a>
      to <a href="mailto:x@example.com">x@example.com</a>. <a href="javascript:alert(1)">No link</a> <a href="#top">Top</a></p>
      <ul><li>one</li><li>two</li></ul><table><tr><td>Sum</td><td>12 €</td></tr><tr><td>Tax</td><td>2 €</td></tr></table>
      <blockquote>quoted<br>more</blockquote><script>alert(1)</script><img src="cid:logo" alt="Logo">end</body></html>`;
    expect(textOfHtml(html)).to.equal(
      'Hello Ada\n\n' +
        'Grüße & your invoice <https://example.com/a?b=1&c=2>, or write <x@example.com> to x@example.com. No link Top\n\n' +
        ' * one\n * two\n\nSum 12 €\nTax 2 €\n\n> quoted\n> more\n\nend',
    );
  });

  it('converts the text behind an embedded picture of megabytes', () => {
    const picture = `<img src="data:image/png;base64,${'iVBORw0K'.repeat(500_000)}">`;
    expect(textOfHtml(`<p>before</p>${picture}<p>after</p>`)).to.equal('before\n\nafter');
  });

  it('shortens HTML with too many characters, tags or levels, and always ends', () => {
    const fill = (text: string) => text.repeat(Math.ceil(2_000_000 / text.length));
    const units = [
      '<div>',
      '<a href="x">',
      '<ul><li>',
      '<table><tr><td>x',
      '<blockquote>',
      '<p>a',
      '&amp;',
      '<',
      '<!--',
      ' ',
    ];
    for (const unit of [...units, 'word ', '<a x=', ';base64,', '<pre>\n', '<script>']) {
      const text = textOfHtml(fill(unit));
      expect(text.length, unit).to.be.at.most(300_000);
      if (!unit.includes('base64')) expect(text, unit).to.match(/…$/);
      expect(textOfHtml(fill(unit)) === text, unit).to.equal(true);
    }
  });
});
