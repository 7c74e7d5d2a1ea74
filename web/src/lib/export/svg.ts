/** A scene as one SVG file that opens alone: its pictures are inside. */

import { outlinePath, tileKey, type Scene, type Shape } from './scene';

const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';

/**
 * Writes a scene as SVG.
 *
 * @param pictures each tile's picture as a `data:` address, by `tileKey`
 */
export function toSvg(scene: Scene, pictures: ReadonlyMap<string, string>): string {
  const { width, height } = scene;
  const used = new Map<string, string>();
  for (const shape of scene.shapes) {
    const key = shape.kind === 'picture' && shape.tile ? tileKey(shape.tile) : null;
    if (key !== null && pictures.has(key) && !used.has(key)) used.set(key, `p${used.size}`);
  }
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}" font-family="${FONT}">`,
    `<title>${escapeText(scene.title)}</title>`,
    '<defs>',
    // A picture that stands in several places is written once.
    ...[...used].map(
      ([key, id]) =>
        `<image id="${id}" width="1" height="1" preserveAspectRatio="none" href="${pictures.get(key)!}"/>`,
    ),
    '</defs>',
    `<rect width="100%" height="100%" fill="${scene.background}"/>`,
    ...scene.shapes.map((shape, index) => write(shape, index, scene, used)),
    '</svg>',
  ];
  return parts.join('\n') + '\n';
}

function write(shape: Shape, index: number, scene: Scene, used: ReadonlyMap<string, string>): string {
  switch (shape.kind) {
    case 'rect': {
      const radius = shape.radius ? ` rx="${round(shape.radius)}"` : '';
      return `<rect${data(shape.id)} x="${round(shape.x)}" y="${round(shape.y)}" width="${round(shape.width)}" height="${round(shape.height)}"${radius} fill="${shape.fill}"${opacity(shape.opacity)}/>`;
    }
    case 'path':
      return `<path${data(shape.id)} d="${shape.d}" fill="none" stroke="${shape.stroke}" stroke-width="${round(shape.width)}"${opacity(shape.opacity)}/>`;
    case 'text': {
      const anchor = shape.anchor && shape.anchor !== 'start' ? ` text-anchor="${shape.anchor}"` : '';
      const weight = shape.bold ? ' font-weight="600"' : '';
      return `<text x="${round(shape.x)}" y="${round(shape.y)}" font-size="${shape.size}"${anchor}${weight} fill="${shape.fill}">${escapeText(shape.text)}</text>`;
    }
    case 'picture': {
      const { x, y, side, outline, line } = shape;
      const inner = Math.max(0, side - 2 * line);
      const picture = shape.tile ? used.get(tileKey(shape.tile)) : undefined;
      const clip = `c${index}`;
      return [
        `<g${data(shape.id)}${opacity(shape.opacity)}><title>${escapeText(shape.title)}</title>`,
        `<path d="${outlinePath(outline, x, y, side)}" fill="${shape.color}"/>`,
        picture === undefined
          ? `<path d="${outlinePath(outline, x, y, inner)}" fill="${scene.empty}"/>`
          : `<clipPath id="${clip}"><path d="${outlinePath(outline, x, y, inner)}"/></clipPath><g clip-path="url(#${clip})"><use href="#${picture}" transform="translate(${round(x - inner / 2)} ${round(y - inner / 2)}) scale(${round(inner)})"/></g>`,
        '</g>',
      ].join('');
    }
  }
}

function data(id: string | undefined): string {
  return id === undefined ? '' : ` data-id="${escapeText(id).replaceAll('"', '&quot;')}"`;
}

function opacity(value: number | undefined): string {
  return value === undefined || value >= 1 ? '' : ` opacity="${round(value)}"`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
