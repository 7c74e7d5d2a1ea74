/** The types of what the operations in `operations/*.graphql` answer. */

import type { ChannelFields } from './generated/channel-fields';
import type { ChannelInClassQuery } from './generated/channel-in-class';
import type { ChannelPageQuery } from './generated/channel-page';
import type { ClassFields } from './generated/class-fields';
import type { ClassGraphQuery } from './generated/class-graph';
import type { ClassesQuery } from './generated/classes';
import type { CompareQuery } from './generated/compare';
import type { PictureFields } from './generated/picture-fields';
import type { RunsQuery } from './generated/runs';
import type { SearchQuery } from './generated/search';
import type { FragmentOf, ResultOf } from './graphql';

export type Run = ResultOf<typeof RunsQuery>['runs'][number];
export type Layer = Run['layers'][number];
export type ClassPage = NonNullable<ResultOf<typeof ClassesQuery>['run']>['classes'];
export type ClassInfo = FragmentOf<typeof ClassFields>;
export type Channel = FragmentOf<typeof ChannelFields>;
export type Picture = FragmentOf<typeof PictureFields>;
export type ClassWithGraph = NonNullable<ResultOf<typeof ClassGraphQuery>['class']>;
export type AttributionGraph = NonNullable<ClassWithGraph['graph']>;
export type Comparison = NonNullable<ResultOf<typeof CompareQuery>['compare']>;
export type LayerOverlap = Comparison['layers'][number];
export type SetOperation = Comparison['operation'];
export type Membership = Comparison['vertices'][number]['membership'];
export type ChannelInClass = NonNullable<ResultOf<typeof ChannelInClassQuery>['channelInClass']>;
export type Neighbor = ChannelInClass['inputs'][number];
export type ChannelPage = NonNullable<ResultOf<typeof ChannelPageQuery>['channel']>;
export type ChannelLink = ChannelPage['inputs'][number];
export type SearchResults = NonNullable<ResultOf<typeof SearchQuery>['search']>;
export type SearchHit = SearchResults['hits'][number];
