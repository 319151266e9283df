ALTER ROLE tolls IN DATABASE bridge SET search_path = 'collected';
