/**
 * The few signs of the page, as paths on a 24 by 24 grid.
 *
 * Drawn here rather than taken from an icon font or a sprite: nothing is fetched, they take the colour of the text, and
 * there are few of them. A sign stands beside a text or in a labelled button, so screen readers do not hear it.
 */
import { svg } from './dom.js';

const paths = {
  search: 'M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5 20 20',
  heart: 'M12 20S4 15 4 9.300A4.3 4.3 0 0 1 12 7a4.3 4.3 0 0 1 8 2.300C20 15 12 20 12 20z',
  star: 'm12 3.8 2.5 5.3 5.7.8-4.1 4 1 5.700L12 16.900l-5.1 2.7 1-5.7-4.1-4 5.7-.8z',
  ticket:
    'M4 8a1 1 0 0 1 1-1h14a1 1 0 0 1 1 1v2.300a1.8 1.8 0 0 0 0 3.400V16a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1v-2.300a1.8 1.8 0 0 0 0-3.400zM14 8.500v1M14 11.500v1M14 14.500v1',
  device: 'M4 6a1 1 0 0 1 1-1h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1zM9 19.500h6M12 16v3.5',
  phone: 'M8 4.500a1 1 0 0 1 1-1h6a1 1 0 0 1 1 1v15a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1zM11 17.500h2',
  close: 'm6.5 6.5 11 11M17.5 6.500l-11 11',
  chevron: 'm7 14.5 5-5 5 5',
  left: 'm14 6-6 6 6 6',
  check: 'm5.5 12.5 4.3 4.3 8.7-9.3',
  clock: 'M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4.300l2.8 1.7',
  seat: 'M7 12V7a2 2 0 0 1 2-2h6a2 2 0 0 1 2 2v5M5 13.500a1.5 1.5 0 0 1 3 0V15h8v-1.500a1.5 1.5 0 0 1 3 0V18H5zM7 18v2M17 18v2',
  reel: 'M12 3.500a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 11a1 1 0 1 1 0 2 1 1 0 0 1 0-2zM12 5.800a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zM12 15.200a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zM7.3 10.500a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3zM16.7 10.500a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z',
  unplugged: 'M9 4v4M15 4v4M7 8h10v3a5 5 0 0 1-5 5 5 5 0 0 1-5-5zM12 16v4.500M4 20.5 20 3.5',
  gift: 'M4.5 9.500h15V13h-15zM6 13h12v7H6zM12 9.500V20M12 9.500S7.5 9.3 7.5 6.8 11 4.5 12 9.500zM12 9.500s4.5-.2 4.5-2.700S13 4.5 12 9.500z',
};

export function icon(name, title) {
  return svg(
    'svg.icon',
    { viewBox: '0 0 24 24', 'aria-hidden': title ? null : 'true', role: title ? 'img' : null, 'aria-label': title },
    svg('path', { d: paths[name] }),
  );
}
