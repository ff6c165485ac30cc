/** A source of any kind, opened. */
import type { ApplyRequest } from '../../../control/src/domain/bundle/bundle.ts';
import type { Source } from '../bundle/reader.ts';
import { fileSource } from '../bundle/sources.ts';
import type { Places } from '../slots/places.ts';

export const openSource = async (places: Places, { source }: Pick<ApplyRequest, 'source'>, signal: AbortSignal): Promise<Source> => {
  switch (source.kind) {
    case 'file':
      return fileSource(source.path);
    case 'url':
      return (await import('./http.ts')).httpSource(source.url, { signal });
    case 'upload':
      return (await import('./upload.ts')).uploadSource({ places, signal, size: source.size, name: source.name });
  }
  return source;
};
