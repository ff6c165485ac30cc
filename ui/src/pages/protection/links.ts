/** Where a folder of a snapshot is looked at. */
export const browseHref = (dataset: string, tag: string, path = ''): string =>
  `/protection/browse?${new URLSearchParams({ dataset, tag, ...(path === '' ? {} : { path }) })}`;
